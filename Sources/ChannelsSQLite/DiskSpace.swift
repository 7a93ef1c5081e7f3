import Channels
import GRDB
import Glibc

/// Sees to it that the disk never gets so full that the file can no longer be used.
///
/// Even to take a message out needs room: for the write-ahead log, and then for the file, when the log is moved into it.
/// Where there is none nothing can be done from inside any more. So contents are refused a little before.
struct DiskSpace: Sendable {
    /// What is free and what there is, in bytes; nil where that cannot be told.
    var free: @Sendable () -> (free: Int, all: Int)?

    /// How much stays free: room for the log and for moving it, but no more than a twentieth of a small disk.
    private static let reserveBytes = 64 << 20

    /// The disk on which the folder of `path` is.
    init(ofFile path: String) {
        free = {
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { return nil }
            return (Int(status.f_bavail) * Int(status.f_frsize), Int(status.f_blocks) * Int(status.f_frsize))
        }
    }

    init(free: @escaping @Sendable () -> (free: Int, all: Int)?) { self.free = free }

    /// - Throws: `DatabaseError`, as SQLite throws where there is no room at all.
    func requireRoom() throws {
        guard let (free, all) = free(), free < min(Self.reserveBytes, all / 20) else { return }
        throw DatabaseError(
            resultCode: .SQLITE_FULL, message: "\(free >> 20) MiB are free, which are kept for what is stored already")
    }
}

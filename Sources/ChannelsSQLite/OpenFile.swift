import Channels
import Foundation
import GRDB
import Glibc

/// A layer's file, opened, locked and of a format that is known.
// SAFETY: the store is used inside of `use` only, which one thread at a time is in: the writer's, once it has started.
final class OpenFile: @unchecked Sendable {
    private let queue: DatabaseQueue
    private let store: Store
    let time: FileTime
    let space: DiskSpace

    /// How many pages the write-ahead log may have before a commit moves them into the file: 16 MiB.
    private static let checkpointPages = 4096
    /// To which size a log is cut that a large transaction has made longer.
    private static let logBytesKept = 64 << 20
    /// Of the file kept in memory at most, in KiB.
    private static let cacheKiB = 64 << 10

    /// - Parameters:
    ///   - isFull: `synchronous=full`.
    ///   - wall: tells the wall clock, in nanoseconds since 1970.
    /// - Throws: ``RegistryError``, with a text for the operator.
    init(
        path: String, isFull: Bool, settings: LayerSettings, clock: any ChannelClock,
        wall: @escaping @Sendable () -> Int64, space: DiskSpace? = nil, slice: Slice = Slice(), spanBits: Int64 = 8,
        queueRowsMax: Int = 1024
    ) throws {
        // SQLite takes a path that begins with a scheme for a URI.
        let path = path.hasPrefix("file:") ? "./" + path : path
        self.space = space ?? DiskSpace(ofFile: path)
        Self.makeOwnFile(path)
        do {
            var configuration = Configuration()
            configuration.label = "laurel"
            configuration.foreignKeysEnabled = false
            configuration.prepareDatabase { database in
                // The lock first: with it the log needs no shared memory, and nobody else gets in.
                try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            (store, time) = try queue.writeWithoutTransaction { database in
                try Self.prepare(database, path: path)
                let store = try Store(
                    database, settings: settings, room: WaitingRoom(), slice: slice, spanBits: spanBits,
                    queueRowsMax: queueRowsMax)
                let isNew = store.layer.epoch == 0
                let stopped = FileInstant(time: store.layer.time, wall: store.layer.wall)
                let time = FileTime(after: isNew ? nil : stopped, clock: clock, wall: wall)
                // Whatever `synchronous` is: numbers that were skipped stay skipped.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                store.move(to: time.now)
                try store.begin()
                store.startNumbers()
                try store.finish()
                try store.commit()
                if !isFull { try database.execute(sql: "PRAGMA synchronous = NORMAL") }
                return (store, time)
            }
        } catch let error as RegistryError {
            throw error
        } catch {
            throw Self.explanation(of: error, path: path)
        }
    }

    private static func prepare(_ database: Database, path: String) throws {
        let isNew = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_schema") == 0
        if isNew {
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // An empty database that somebody else has made takes it so only.
            let mode = try Int.fetchOne(database, sql: "PRAGMA auto_vacuum")
            if mode != 2 { try database.execute(sql: "VACUUM") }
        }
        // A stranger's file is left as it is.
        if !isNew { try Schema.requireOurs(database, path: path) }
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw RegistryError(
                "'\(path)' cannot have a write-ahead log (its mode is '\(mode ?? "?")'): use a file on a local disk.")
        }
        try database.execute(
            sql: """
                PRAGMA wal_autocheckpoint = \(checkpointPages);
                PRAGMA journal_size_limit = \(logBytesKept);
                PRAGMA cache_size = -\(cacheKiB);
                PRAGMA secure_delete = OFF;
                PRAGMA temp_store = MEMORY;
                """)
        try Schema.migrate(database)
    }

    /// Makes a file that is not there, so that nobody else can read what is in it, nor its log, which gets the same
    /// rights. Where that cannot be done, opening tells why.
    private static func makeOwnFile(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        // Not of a file that was there: to close that would end SQLite's locks on it.
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Runs `body` with the store. One thread at a time.
    func use(_ body: (Store) -> Void) {
        queue.writeWithoutTransaction { _ in body(store) }
    }

    /// Moves what is in the log into the file, and lets go of it.
    func close() {
        store.letGoOfStatements()
        try? queue.writeWithoutTransaction { database in _ = try database.checkpoint(.truncate) }
        try? queue.close()
    }

    private static func explanation(of error: any Error, path: String) -> RegistryError {
        let damaged = "it is damaged. Restore it from a copy, or name another file"
        guard let error = error as? DatabaseError else {
            return RegistryError("The file '\(path)' cannot be opened: \(error is DamagedFile ? damaged : "\(error)").")
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path()
        let isThere = access(path, F_OK) == 0
        let cannotBeWritten =
            "it or its folder cannot be written. Give the server's user the right to, or name another file"
        let reason =
            switch error.resultCode {
            case _ where isThere ? access(path, W_OK) != 0 : access(folder, F_OK) == 0 && access(folder, W_OK) != 0:
                cannotBeWritten
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                "another process has it open. Stop that one, or name another file"
            case .SQLITE_NOTADB: "it is not a database. Name another file"
            case .SQLITE_CORRUPT: damaged
            case .SQLITE_CANTOPEN:
                "it or its folder does not exist or is not accessible. Make the folder, or name another file"
            case .SQLITE_READONLY, .SQLITE_PERM: cannotBeWritten
            case .SQLITE_FULL: "the disk is full. Make room"
            case .SQLITE_IOERR:
                "the disk fails (SQLite \(error.extendedResultCode.rawValue)). See to it, or name another file"
            default: "\(error.message ?? "it failed") (SQLite \(error.extendedResultCode.rawValue))"
            }
        return RegistryError("The file '\(path)' cannot be opened: \(reason).")
    }
}

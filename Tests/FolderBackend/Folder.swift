import Channels
import Foundation

/// The folder, and the few things that are done in it. Paths are relative to it. All of this blocks.
struct Folder: Sendable {
    /// How many times it was opened, this one included.
    let startsCount: UInt64
    private let path: String
    private let lock: FileHandle

    /// - Throws: `RegistryError` for a folder that another process uses, or that cannot be made.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RegistryError("The folder '\(path)' cannot be made: \(error).")
        }
        // Numbers and capacities are this process's own, so it must be the only one.
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw RegistryError("The folder '\(path)' cannot be written to.") }
        lock = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw RegistryError("The folder '\(path)' is in use.") }

        let starts = FileManager.default.contents(atPath: path + "/starts").map { String(decoding: $0, as: UTF8.self) }
        guard let startsBefore = UInt64(starts ?? "0") else {
            throw RegistryError("The file '\(path)/starts' holds no number.")
        }
        startsCount = startsBefore + 1
        try write(Array("\(startsCount)".utf8), to: "starts")
    }

    func unlock() { try? lock.close() }

    /// The names of the files in a folder; none where there is no such folder.
    func list(_ name: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path + "/" + name)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return []
        } catch {
            throw unavailable("cannot be read", error)
        }
    }

    /// Writes a file with all that it holds, or none: first under a name that nobody looks for.
    func write(_ bytes: [UInt8], to name: String) throws {
        let (draft, final) = (path + "/draft", path + "/" + name)
        do {
            try Data(bytes).write(to: URL(filePath: draft))
            let parent = final[..<final.lastIndex(of: "/")!]
            try FileManager.default.createDirectory(atPath: String(parent), withIntermediateDirectories: true)
            guard rename(draft, final) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        } catch {
            throw unavailable("cannot be written to", error)
        }
    }

    /// Nil where it cannot be read.
    func read(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path + "/" + name).map(Array.init) }

    /// True for the one who removed it.
    func remove(_ name: String) -> Bool { unlink(path + "/" + name) == 0 }

    func removeIfEmpty(_ name: String) { rmdir(path + "/" + name) }

    /// 503: nothing was stored, and it may go well later. The reason is for the log.
    private func unavailable(_ what: String, _ error: any Error) -> ChannelError {
        ChannelError(.backendUnavailable, "The folder \(what).", underlying: error)
    }
}

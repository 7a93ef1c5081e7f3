import Channels
import Foundation

/// The folder, and the few things that are done in it. Paths are relative to it. All of this blocks.
struct Folder: Sendable {
    /// Greater each time that it is opened, even after a power cut.
    let startNumber: UInt64
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
        // A folder that was put back from a copy may hold files that are newer than its count.
        startNumber = max(startsBefore, Self.greatestEpoch(in: path)) + 1
        try write(Array("\(startNumber)".utf8), to: "starts", isSynced: true)
    }

    func unlock() { try? lock.close() }

    /// Of the ids of all that it holds.
    private static func greatestEpoch(in path: String) -> UInt64 {
        let files = [Entry.queues, Entry.groups].flatMap { top in
            (FileManager.default.enumerator(atPath: path + "/" + top)?.compactMap { $0 as? String }) ?? []
        }
        return files.compactMap { file in
            file.split(separator: "/").last.flatMap { Entry(folder: "", file: String($0))?.id.epoch }
        }.max() ?? 0
    }

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
    ///
    /// - Parameter isSynced: it outlives a power cut as soon as this returns.
    func write(_ bytes: [UInt8], to name: String, isSynced: Bool = false) throws {
        let (draft, final) = (path + "/draft", path + "/" + name)
        let parent = String(final[..<final.lastIndex(of: "/")!])
        do {
            try Data(bytes).write(to: URL(filePath: draft))
            if isSynced { try sync(draft) }
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            guard rename(draft, final) == 0 else { throw systemError() }
            if isSynced { try sync(parent) }
        } catch {
            throw unavailable("cannot be written to", error)
        }
    }

    private func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError() }
    }

    /// Nil where it cannot be read.
    func read(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path + "/" + name).map(Array.init) }

    /// True for the one who removed it.
    func remove(_ name: String) -> Bool { unlink(path + "/" + name) == 0 }

    /// Removes it for whoever does not mind that it was gone already.
    func discard(_ name: String) throws {
        guard remove(name) || errno == ENOENT else { throw unavailable("cannot be written to", systemError()) }
    }

    func removeIfEmpty(_ name: String) { rmdir(path + "/" + name) }

    private func systemError() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }

    /// 503: nothing was stored, and it may go well later. The reason is for the log.
    private func unavailable(_ what: String, _ error: any Error) -> ChannelError {
        ChannelError(.backendUnavailable, "The folder \(what).", underlying: error)
    }
}

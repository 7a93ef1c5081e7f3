import Foundation

/// Where files stand that are to be on a disk: what is for temporary files is often memory.
enum Disk {
    /// A new folder where the benchmark was started. Who asks removes it.
    static func makeFolder() throws -> URL {
        let here = URL(filePath: FileManager.default.currentDirectoryPath)
        let folder = here.appending(path: ".build/benchmark-\(UUID().uuidString)/", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

import Foundation
import Testing

extension Harness {
    @Suite("Files that the server refuses to start with")
    struct RefusedFileTests {
        private let path = FileManager.default.temporaryDirectory.appending(path: "laurel-\(UUID().uuidString).db")
            .path()

        /// Runs `laurel serve` on the file, and expects that it ends with 1 and one line that names the file and holds `text`.
        private func expectRefusal(_ text: String, of file: String? = nil, under faults: KernelFaults? = nil)
            async throws
        {
            let file = file ?? path
            let command =
                (faults?.command ?? []) + [
                    LaurelProcess.executable, "serve", "--bind", "127.0.0.1:0", "--backend", "sqlite:\(file)",
                ]
            let (status, _, errors) = try await ChildProcess.run(command[0], Array(command.dropFirst()))
            #expect(status == 1)
            let lines = errors.split(separator: "\n")
            #expect(lines.count == 1, "\(errors)")
            #expect(errors.hasPrefix("laurel: ") && errors.contains("'\(file)'") && errors.contains(text), "\(errors)")
        }

        private func withFile(_ body: () async throws -> Void) async throws {
            defer {
                for suffix in ["", "-wal", "-journal"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            }
            try await body()
        }

        private func makeFile() async throws {
            try await LaurelProcess.run(["--backend", "sqlite:\(path)"]) { server in
                try await server.send("1", to: "a")
                server.signal(SIGTERM)
                #expect(await server.exitStatus() == 0)
            }
        }

        @Test("A file that another server has open; that one is not disturbed")
        func second() async throws {
            try await withFile {
                try await LaurelProcess.run(["--backend", "sqlite:\(path)"]) { server in
                    try await server.send("1", to: "a")
                    try await expectRefusal("another process has it open")
                    try await server.send("2", to: "a")
                    #expect(try await server.receive("a")?.message == "1")
                    #expect(try await server.receive("a")?.message == "2")
                }
            }
        }

        @Test("What is no database, and another program's, which stay as they are")
        func strange() async throws {
            try await withFile {
                let text = String(repeating: "no database. ", count: 1000)
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                try await expectRefusal("not a database")
                #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            }
            try await withFile {
                let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE cake (slices)')"
                #expect(try await ChildProcess.run("python3", ["-c", script, path]).exitStatus == 0)
                let before = try Data(contentsOf: URL(filePath: path))
                try await expectRefusal("not one of Laurel's")
                #expect(try Data(contentsOf: URL(filePath: path)) == before)
            }
        }

        @Test("A damaged file")
        func damaged() async throws {
            try await withFile {
                try await makeFile()
                let url = URL(filePath: path)
                var bytes = try Data(contentsOf: url)
                // Behind the header of the file, in what says which tables there are.
                for offset in 100..<4096 { bytes[offset] ^= 0xA5 }
                try bytes.write(to: url)
                try await expectRefusal("damaged")
            }
        }

        @Test("A folder that is not there, and a folder as the file")
        func noFolder() async throws {
            try await expectRefusal("Make the folder", of: "/nowhere/layer.db")
            try await expectRefusal("cannot be opened", of: NSTemporaryDirectory())
        }

        @Test("A folder in which no log can be made")
        func readOnlyFolder() async throws {
            try await withFile {
                try await makeFile()
                try await expectRefusal(
                    "cannot be written", under: KernelFaults("openat:error=EACCES", path: path + "-wal"))
            }
        }

        @Test("A full disk", arguments: [true, false])
        func fullDisk(isNew: Bool) async throws {
            try await withFile {
                if !isNew { try await makeFile() }
                try await expectRefusal("the disk is full", under: KernelFaults("pwrite64:error=ENOSPC"))
            }
        }
    }
}

import Foundation
import Testing

extension Harness {
    /// A power cut takes what the disk was not asked to keep. Nobody cuts the power here; the order of system calls tells.
    @Suite("What a power cut would leave")
    struct PowerCutTests {
        @Test("With synchronous=full the disk has each send, and each take, before the client has its answer")
        func full() async throws {
            let calls = try await calls(synchronous: "full")
            #expect(calls.answers > 20)
            #expect(calls.early == 0)
        }

        @Test("With synchronous=normal it need not: that is what full costs, and this check can fail")
        func normal() async throws {
            let calls = try await calls(synchronous: "normal")
            #expect(calls.answers > 20)
            #expect(calls.early > 0)
        }

        /// How many answers left, and how many of them before what was written was synced.
        private func calls(synchronous: String) async throws -> (answers: Int, early: Int) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "laurel-\(UUID().uuidString)/")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let log = folder.appending(path: "calls").path()
            let tracer = [
                "strace", "-D", "-f", "-qq", "-I", "2", "-o", log, "-e", "trace=pwrite64,fdatasync,sendto", "-e",
                "signal=none", "-E", "ASAN_OPTIONS=detect_leaks=0",
            ]
            let backend = "sqlite:\(folder.path())layer.db?synchronous=\(synchronous)"
            try await LaurelProcess.run(["--backend", backend, "--loops", "1"], under: tracer) { server in
                for number in 0..<12 { try await server.send("\(number)", to: "a") }
                for number in 0..<12 { #expect(try await server.receive("a")?.message.description == "\(number)") }
                server.signal(SIGTERM)
                #expect(await server.exitStatus() == 0)
            }
            return Self.count(try String(contentsOfFile: log, encoding: .utf8))
        }

        private static func count(_ log: String) -> (answers: Int, early: Int) {
            var (answers, early, isSynced) = (0, 0, true)
            for line in log.split(separator: "\n") {
                // A call of one thread may be shown in two lines, with those of others in between.
                if line.contains("pwrite64(") {
                    isSynced = false
                } else if line.contains("fdatasync"), line.hasSuffix("= 0") {
                    isSynced = true
                } else if line.contains("sendto("), line.contains("HTTP/1.1 20") {
                    answers += 1
                    if !isSynced { early += 1 }
                }
            }
            return (answers, early)
        }
    }
}

import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A laurel of one's own, with the folder backend")
    struct OwnBackendTests {
        private static let executable = LaurelProcess.builtExecutable("folder-laurel")

        private func withFolder(_ body: (_ url: String) async throws -> Void) async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await body("folder:\(path)")
        }

        @Test("It takes messages, hands them out in order, and a long-poll hears of one")
        func serves() async throws {
            try await withFolder { url in
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { server in
                    #expect(try await server.send("1", to: "x").pending == 1)
                    #expect(try await server.send("2", to: "x").pending == 2)
                    #expect(try await server.receive("x")?.message == "1")
                    #expect(try await server.receive("x")?.message == "2")
                    async let delivery = server.receive("x,y", timeout: 60)
                    try await server.eventually("it waits") {
                        struct Stats: Decodable { let waiting: Int }
                        return try await server.call("GET", "/stats").decoded(as: Stats.self).waiting == 1
                    }
                    try await server.send("3", to: "y")
                    #expect(try await delivery?.message == "3")
                    #expect(try await server.receive("x,y") == nil)
                }
            }
        }

        @Test("What was sent is there after a kill, with its time to live, and the next is behind it")
        func kill() async throws {
            try await withFolder { url in
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { server in
                    try await server.send("1", to: "x")
                    try await server.send("2", to: "x", expiry: "0.05")
                    server.signal(SIGKILL)
                    _ = await server.exitStatus()
                }
                // The clock of another process cannot be moved by hand.
                try await Task.sleep(for: .milliseconds(60))
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { server in
                    let pending = try await server.send("3", to: "x").pending
                    #expect(pending == 2)
                    #expect(try await server.receive("x")?.message == "1")
                    #expect(try await server.receive("x")?.message == "3")
                }
            }
        }

        @Test("A group send reaches the members by the default, each copy with an id of its own and the group's name")
        func groupSend() async throws {
            try await withFolder { url in
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { server in
                    for member in ["a", "b", "c"] { try await server.call("PUT", "/groups/g/\(member)") }
                    let answer = try await server.call("POST", "/groups/g?exclude=c", "1")
                    #expect(answer.text == #"{"id":null,"members":2}"#)
                    let (a, b) = (try await server.receive("a"), try await server.receive("b"))
                    #expect([a?.message, b?.message] == ["1", "1"])
                    #expect([a?.group, b?.group] == ["g", "g"])
                    #expect(a?.id != b?.id)
                    #expect(try await server.receive("c") == nil)
                }
            }
        }

        @Test("What it cannot do is 501, what it cannot tell null")
        func lacks() async throws {
            try await withFolder { url in
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { server in
                    let purge = try await server.call("DELETE", "/channels/x")
                    #expect(purge.status == 501)
                    #expect(purge.problem == "not-implemented")
                    let status = try await server.call("GET", "/channels/x")
                    #expect(status.text.contains(#""pending":null"#))
                }
            }
        }

        @Test("Help, usage and errors are its own: its name, and its scheme among the others")
        func commandLine() async throws {
            let help = try await ChildProcess.run(Self.executable, ["serve", "--help"])
            // It is broken into lines.
            let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("folder:, memory:, redis:, redis+cluster:, redis+sentinel:, redis+unix:, sqlite:"))
            #expect(help.output.contains("USAGE: folder-laurel serve"))
            let scheme = try await ChildProcess.run(Self.executable, ["serve", "--backend", "mongodb://x"])
            #expect(scheme.exitStatus == 1)
            #expect(scheme.errors.hasPrefix("folder-laurel: "))
            #expect(
                scheme.errors.contains(
                    "Registered: folder:, memory:, redis:, redis+cluster:, redis+sentinel:, redis+unix:, sqlite:."))
            let setting = try await ChildProcess.run(Self.executable, ["serve", "--backend", "folder:x?capasity=5"])
            #expect(setting.exitStatus == 1)
            #expect(setting.errors.contains("unknown setting 'capasity'"))
            let path = try await ChildProcess.run(Self.executable, ["serve", "--backend", "folder:"])
            #expect(path.exitStatus == 1)
            #expect(path.errors.contains("'folder:' needs a path"))
        }

        @Test("A folder in use is refused, exit code 1")
        func inUse() async throws {
            try await withFolder { url in
                try await LaurelProcess.run(["--backend", url], executable: Self.executable) { _ in
                    let second = try await ChildProcess.run(
                        Self.executable, ["serve", "--bind", "127.0.0.1:0", "--backend", url])
                    #expect(second.exitStatus == 1)
                    #expect(second.errors.contains("is in use"))
                }
            }
        }
    }
}

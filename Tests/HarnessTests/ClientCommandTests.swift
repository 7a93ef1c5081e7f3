import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("The client commands")
    struct ClientCommandTests {
        @Test("send and receive: an argument, standard input, text, bare bytes")
        func sendAndReceive() async throws {
            try await LaurelProcess.run(["--layer", "jobs=memory:"]) { server in
                let sent = try await server.laurel("send", "a b", #"{"n":1}"#)
                #expect(sent.exitStatus == 0)
                #expect(sent.output.contains(#""pending":1"#))
                _ = try await server.laurel("send", "a b", "-", input: "[1,\n 2]")
                _ = try await server.laurel("send", "a b", "--text", "plain")
                _ = try await server.laurel("send", "a b", "--layer", "jobs", "4")
                let first = try await server.laurel("receive", "a b")
                #expect(first.output.contains(#""message":{"n":1}"#))
                #expect(first.output.split(separator: "\n").count == 1)
                let second = try await server.laurel("receive", "a b")
                #expect(second.output.contains(#""message":[1,  2]"#))
                #expect(try await server.laurel("receive", "--raw", "a b").output == "plain\n")
                let none = try await server.laurel("receive", "a b")
                #expect(none.exitStatus == 3)
                #expect(none.output == "")
                #expect(try await server.laurel("receive", "--layer", "jobs", "--raw", "a b").output == "4\n")
            }
        }

        @Test("--max takes several, --timeout waits for each")
        func several() async throws {
            try await LaurelProcess.run { server in
                async let received = server.laurel("receive", "a", "b", "--max", "3", "--timeout", "60", "--raw")
                try await server.waitUntilParked(1, on: "a")
                for n in 1...3 { try await server.send("\(n)", to: n == 2 ? "b" : "a") }
                let result = try await received
                #expect(result.exitStatus == 0)
                #expect(result.output == "1\n2\n3\n")
                try await server.send("4", to: "a")
                let fewer = try await server.laurel("receive", "a", "--max", "3", "--timeout", "0.1", "--raw")
                #expect(fewer.exitStatus == 0)
                #expect(fewer.output == "4\n")
            }
        }

        @Test("--follow goes on when the server restarts")
        func followOutlivesServer() async throws {
            let path = "/tmp/laurel-\(UInt64.random(in: 0...UInt64.max)).sock"
            let follower = try ChildProcess(
                LaurelProcess.executable, ["receive", "x", "--follow", "--raw", "--max", "2", "--url", "unix:\(path)"])
            defer { follower.kill() }
            for n in 1...2 {
                try await LaurelProcess.run(["--bind", "unix:\(path)"]) { server in
                    try await server.waitUntilParked(1, on: "x")
                    try await server.send("\(n)", to: "x")
                    try await server.eventually("it is printed") { follower.outputText.contains("\(n)\n") || n == 2 }
                    server.signal(SIGTERM)
                    #expect(await server.exitStatus() == 0)
                }
            }
            #expect(await follower.exitStatus() == 0)
            #expect(follower.outputText == "1\n2\n")
        }

        @Test("group add, members, send, remove")
        func groups() async throws {
            try await LaurelProcess.run { server in
                #expect(try await server.laurel("group", "add", "g", "ann", "bob", "--expiry", "60").exitStatus == 0)
                #expect(try await server.laurel("group", "members", "g").output == "ann\nbob\n")
                let sent = try await server.laurel("group", "send", "g", "1", "--exclude", "bob")
                #expect(sent.output.contains(#""members":1"#))
                #expect(try await server.laurel("receive", "ann", "bob").output.contains(#""channel":"ann""#))
                #expect(try await server.laurel("group", "remove", "g", "ann").exitStatus == 0)
                #expect(try await server.laurel("group", "members", "g").output == "bob\n")
                #expect(try await server.laurel("group", "remove", "g", "--all").exitStatus == 0)
                #expect(try await server.laurel("group", "members", "g").output == "")
                #expect(try await server.laurel("group", "remove", "g").exitStatus == 64)
            }
        }

        @Test("group members turns the pages")
        func pages() async throws {
            try await LaurelProcess.run { server in
                let names = (0..<1500).map { "c\(1000 + $0)" }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names { group.addTask { try await server.call("PUT", "/groups/g/\(name)") } }
                    try await group.waitForAll()
                }
                #expect(
                    try await server.laurel("group", "members", "g").output.split(separator: "\n").map(String.init)
                        == names)
            }
        }

        @Test("stats shows the layer's totals, and a channel's")
        func stats() async throws {
            try await LaurelProcess.run { server in
                try await server.send("1", to: "a")
                let totals = try await server.laurel("stats").output
                #expect(totals.contains(/(?m)^sent +1$/))
                let channel = try await server.laurel("stats", "a").output
                #expect(channel.contains(/(?m)^pending +1$/))
                #expect(channel.hasPrefix("channel "))
                #expect(try await server.laurel("stats", "--json").output.hasPrefix("{"))
            }
        }

        @Test("bench measures a running server, and leaves nothing in it")
        func bench() async throws {
            try await LaurelProcess.run { server in
                let result = try await server.laurel("bench", "--connections", "4", "--duration", "1")
                #expect(result.exitStatus == 0, "\(result.errors)")
                let lines = result.output.split(separator: "\n")
                #expect(lines.count == 3)
                #expect(lines.allSatisfy { $0.contains("p50 ") && $0.contains("max ") })
                struct Stats: Decodable { let pending, waiting: Int }
                let stats: Stats = try await server.call("GET", "/stats").decoded()
                #expect(stats.waiting == 0)
                #expect(stats.pending <= 4)
                #expect(try await server.laurel("bench", "--url", "https://example.org").exitStatus == 64)
            }
        }

        @Test("An error is told in the server's words, exit code 1")
        func errors() async throws {
            try await LaurelProcess.run { server in
                let noJSON = try await server.laurel("send", "a", "hello")
                #expect(noJSON.exitStatus == 1)
                #expect(noJSON.output == "")
                #expect(noJSON.errors.contains("JSON"))
                let noLayer = try await server.laurel("stats", "--layer", "none")
                #expect(noLayer.exitStatus == 1)
                let noServer = try await server.laurel("stats", "--url", "http://127.0.0.1:1")
                #expect(noServer.exitStatus == 1)
                #expect(noServer.errors.contains("127.0.0.1"))
                #expect(try await server.laurel("stats", "--url", "nonsense").exitStatus == 64)
            }
        }
    }
}

import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A Redis that does not let us in, and what the log says")
    struct RedisLogTests {
        @Test(
            "Without the right password the server starts and is not ready; the log says why once, and names no password",
            arguments: [("", "NOAUTH"), (":wrong@", "WRONGPASS")])
        func password(credentials: String, word: String) async throws {
            try await RedisProcess.run(["--requirepass", "secret"]) { redis in
                let url = redis.url.replacingOccurrences(of: "redis://", with: "redis://\(credentials)")
                try await LaurelProcess.run(["--backend", url]) { server in
                    try await server.waitForErrorLine(word)
                    // Each of these, and each attempt to connect, meets the same refusal.
                    let problems = try await withThrowingTaskGroup(of: String?.self) { group in
                        for _ in 0..<20 {
                            group.addTask { try await server.call("GET", "/health/ready").problem }
                            group.addTask { try await server.call("POST", "/channels/x", "1").problem }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(problems.allSatisfy { $0 == "backend-unavailable" })
                    let lines = server.errorText.split(separator: "\n")
                    #expect(lines.count { $0.contains(word) } == 1, "\(server.errorText)")
                    #expect(lines.count <= 3, "a flood: \(server.errorText)")
                    #expect(!server.errorText.contains("wrong@"))
                }
                try await LaurelProcess.run(["--backend", redis.url(password: "secret")]) { server in
                    try await server.eventually("ready") { try await server.call("GET", "/health/ready").status == 200 }
                }
            }
        }

        @Test("The rights that the README names suffice; without those for bells the server is not ready")
        func rights() async throws {
            let readme = try String(contentsOf: Sources.root.appending(path: "README.md"), encoding: .utf8)
            let rights = try #require(readme.firstMatch(of: /`(~\{laurel:[^`]*)`/)).1.split(separator: " ").map(
                String.init)
            for (rights, status) in [(rights, 200), (rights.filter { !$0.hasPrefix("&") } + ["resetchannels"], 503)] {
                try await RedisProcess.run { redis in
                    try await redis.command(["ACL", "SETUSER", "laurel", "on", ">secret"] + rights)
                    let url = redis.url.replacingOccurrences(of: "redis://", with: "redis://laurel:secret@")
                    try await LaurelProcess.run(["--backend", url]) { server in
                        guard status == 200 else {
                            try await server.waitForErrorLine("NOPERM")
                            #expect(try await server.call("GET", "/health/ready").status == 503)
                            return
                        }
                        try await server.eventually("ready") {
                            try await server.call("GET", "/health/ready").status == 200
                        }
                        try await server.call("PUT", "/groups/g/channels/x")
                        async let received = server.receive("x", timeout: 60)
                        try await server.waitUntilParked(1, on: "x")
                        try await server.send("1", to: "x")
                        #expect(try await received?.message == "1")
                        #expect(try await server.call("GET", "/stats").status == 200)
                    }
                }
            }
        }

        @Test("The log tells once that Redis is gone, with why, and once that it is back, however many requests fail")
        func lostAndBack() async throws {
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { server in
                    try await server.eventually("ready") { try await server.call("GET", "/health/ready").status == 200 }
                    #expect(!server.errorText.contains("redis 127.0.0.1"), "nothing to tell: \(server.errorText)")
                    await redis.kill()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<200 { group.addTask { try await server.call("POST", "/channels/x", "1") } }
                        try await group.waitForAll()
                    }
                    try await redis.start()
                    try await server.waitForErrorLine("works again")
                    let lines = server.errorText.split(separator: "\n").filter {
                        $0.contains("127.0.0.1:\(redis.port)")
                    }
                    #expect(lines.count == 2, "\(server.errorText)")
                    #expect(lines.first?.contains("warning") == true && lines.last?.contains("info") == true)
                    #expect(!server.errorText.contains("request failed"))
                }
            }
        }
    }
}

extension RedisProcess {
    fileprivate func url(password: String) -> String { "redis://:\(password)@127.0.0.1:\(port)" }
}

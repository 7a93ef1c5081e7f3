import Testing

@testable import ChannelsRedis

@Suite struct LinkTests {
    @Test("Replies of all kinds come back, over TCP and over a unix socket", arguments: [false, true])
    func kinds(overUnix: Bool) async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(overUnix ? server.unixEndpoint : server.endpoint) { test in
                #expect(test.link.trouble?.contains("no connection yet") == true)
                try await test.tells(.ready)
                #expect(test.link.isReady && test.link.trouble == nil)
                #expect(try await test.reply("SET", "key", "ключ") == .status("OK"))
                #expect(try await test.reply("GET", "key") == .bytes(Array("ключ".utf8)))
                #expect(try await test.reply("GET", "none") == .null)
                #expect(try await test.reply("INCRBY", "number", "-7") == .integer(-7))
                #expect(
                    try await test.reply("LPUSH", "key", "x")
                        == .error("WRONGTYPE Operation against a key holding the wrong kind of value"))
                #expect(
                    try await test.reply("EVAL", "return {1, {'a', {}}, false, redis.status_reply('S')}", "0")
                        == .array([.integer(1), .array([.bytes([0x61]), .array([])]), .null, .status("S")]))
                #expect(try await test.reply("CLIENT", "GETNAME").text == "laurel")
            }
        }
    }

    @Test("A name is looked up")
    func name() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(RedisEndpoint(.host("localhost", port: server.port))) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("PING") == .status("PONG"))
            }
        }
    }

    @Test("The database is chosen, and the prelude is run, at each connection")
    func greeting() async throws {
        try await RedisServer.run { server in
            let prelude = [RedisCommand(words: ["INCR", "begun"]), RedisCommand(words: ["INCR", "begun"])]
            let credentials = RedisCredentials(database: 3)
            try await LinkUnderTest.with(server.endpoint, prelude: prelude, credentials: credentials) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("GET", "begun").int == 2)
                #expect(try await test.reply("INFO", "keyspace").text?.contains("db3:keys=1") == true)
                test.begin("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
                try await test.ready()
                #expect(try await test.reply("GET", "begun").int == 4)
            }
        }
    }

    @Test("16 MiB go out and come back bit by bit, with others before and behind them")
    func large() async throws {
        let content = (0..<16 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                var set = RedisCommand("SET")
                set.append("large")
                set.append(content)
                let answers = [
                    test.begin("PING"), test.begin(set), test.begin("GET", "large"), test.begin("ECHO", "behind"),
                    test.begin("GET", "large"),
                ]
                var replies: [RedisReply] = []
                for answer in answers { replies.append(try await answer.reply()) }
                #expect(replies[0] == .status("PONG"))
                #expect(replies[1] == .status("OK"))
                #expect(replies[2].content == content)
                #expect(replies[3].text == "behind")
                #expect(replies[4].content == content)
            }
        }
    }

    @Test("Sizes around all the bounds come back", arguments: [4095, 4096, 4097, 65_535, 65_536, 65_537, 1 << 20])
    func sizes(size: Int) async throws {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                var answers: [Answer] = []
                for _ in 0..<20 {
                    var echo = RedisCommand("ECHO")
                    echo.append(content)
                    answers.append(test.begin(echo))
                }
                for answer in answers {
                    let reply = try await answer.reply()
                    #expect(reply.content == content)
                }
            }
        }
    }

    @Test("Fifty thousand commands that are run at once are answered each its own, in their order")
    func pipelining() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                let answers = (1...50_000).map { _ in test.begin("INCR", "number") }
                #expect(answers.allSatisfy { $0.results.isEmpty })
                for (index, answer) in answers.enumerated() {
                    guard try await answer.reply() != .integer(Int64(index + 1)) else { continue }
                    Issue.record("Command \(index) has the answer of another: \(answer.results)")
                    break
                }
                #expect(answers.allSatisfy { $0.results.count == 1 })
            }
        }
    }

    @Test("What is run in one turn of the loop leaves in one write")
    func oneWrite() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.ready()
                let before = try await test.readsOfServer()
                let answers = (0..<100).map { _ in test.begin("PING") }
                for answer in answers { _ = try await answer.reply() }
                // The hundred, and the question itself.
                #expect(try await test.readsOfServer() - before == 2)
            }
        }
    }
}

extension LinkUnderTest {
    /// How often the server has read from its clients (Redis 7).
    fileprivate func readsOfServer() async throws -> Int {
        let text = try await reply("INFO", "stats").text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_reads_processed:") }
        return try #require(Int(line?.split(separator: ":").last ?? ""))
    }
}

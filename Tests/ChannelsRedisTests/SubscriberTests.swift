import Testing

@testable import ChannelsRedis

@Suite struct SubscriberTests {
    private static let subscription = [
        RedisCommand(words: ["SUBSCRIBE", "bell", "door"]), RedisCommand(words: ["PSUBSCRIBE", "news.*"]),
    ]

    @Test("What is published comes in its order, and again after a restart of the server")
    func published() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint, prelude: Self.subscription) { test in
                for round in 1...3 {
                    try await test.ready()
                    try await test.beside(server.endpoint) { publisher in
                        for (channel, text) in [("bell", "a\(round)"), ("other", "b"), ("door", ""), ("news.x", "c")] {
                            let hearers = try await publisher.reply("PUBLISH", channel, text)
                            #expect(hearers == .integer(channel == "other" ? 0 : 1))
                        }
                    }
                    try await test.tells(.message("bell", "a\(round)"))
                    try await test.tells(.message("door", ""))
                    try await test.tells(.message("news.x", "c"))
                    #expect(try await test.begin("PING").reply() == .array([.bytes(Array("pong".utf8)), .bytes([])]))
                    if round == 3 { break }
                    server.kill()
                    #expect(try await test.lost().hasPrefix("redis \(server.endpoint): "))
                    try await server.start()
                }
            }
        }
    }

    @Test("Ten thousand messages come each once, among answers")
    func many() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint, prelude: Self.subscription) { test in
                try await test.ready()
                try await test.beside(server.endpoint) { publisher in
                    for number in 0..<10_000 { publisher.begin("PUBLISH", "bell", "\(number)") }
                    let pings = (0..<100).map { _ in test.begin("PING") }
                    for number in 0..<10_000 {
                        let event = try await test.next()
                        try #require(event == .message("bell", "\(number)"))
                    }
                    for ping in pings { #expect(try await ping.reply().elements?.count == 2) }
                }
            }
        }
    }

    @Test("A subscriber that hears nothing asks, and stays where it is answered")
    func asks() async throws {
        var limits = RedisLink.Limits()
        limits.silenceTime = .milliseconds(5)
        limits.signOfLifeTime = .seconds(20)
        try await RedisServer.run { [limits] server in
            try await LinkUnderTest.with(server.endpoint, limits: limits, prelude: Self.subscription) { test in
                try await test.ready()
                try await test.beside(server.endpoint) { other in
                    // One for each of the two connections that have begun.
                    try await other.until { try await other.pingCount() >= 2 + 10 }
                    _ = try await other.reply("PUBLISH", "bell", "still there")
                }
                try await test.tells(.message("bell", "still there"))
            }
        }
    }

    @Test("One that gets no answer connects again")
    func halfOpen() async throws {
        var limits = RedisLink.Limits()
        (limits.silenceTime, limits.signOfLifeTime) = (.milliseconds(30), .milliseconds(30))
        let greeting = "+PONG\r\n+OK\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nbell\r\n:1\r\n"
        let prelude = [RedisCommand(words: ["SUBSCRIBE", "bell"])]
        try await CannedServer.run([.says(greeting)]) { [limits] server in
            try await LinkUnderTest.with(server.endpoint, limits: limits, prelude: prelude) { test in
                let reason = "redis \(server.endpoint): no sign of life within \(limits.signOfLifeTime)"
                for _ in 0..<3 {
                    try await test.tells(.ready)
                    try await test.tells(.lost(reason))
                }
            }
        }
    }
}

extension LinkUnderTest {
    /// How many PINGs the server has had.
    fileprivate func pingCount() async throws -> Int {
        let text = try await reply("INFO", "commandstats").text ?? ""
        let calls = text.firstMatch(of: /cmdstat_ping:calls=(\d+)/)?.output.1
        return calls.flatMap { Int($0) } ?? 0
    }
}

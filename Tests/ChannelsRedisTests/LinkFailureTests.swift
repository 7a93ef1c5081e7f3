import Reactor
import Testing

@testable import ChannelsRedis

@Suite struct LinkFailureTests {
    /// So that a test does not sit out the pauses of a real outage.
    private static let quick: RedisLink.Limits = {
        var limits = RedisLink.Limits()
        limits.delayMax = .milliseconds(100)
        return limits
    }()

    @Test("A server that is not there yet is found when it comes; what waits is served then")
    func late() async throws {
        try await RedisServer.run(isStarted: false) { server in
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick) { test in
                let patient = test.begin("INCR", "number")
                let hasty = test.begin("INCR", "number", within: .milliseconds(20))
                let text = try #require(await hasty.notSent())
                #expect(text.hasPrefix("redis 127.0.0.1:\(server.port): "))
                #expect(try await test.lost() == "redis 127.0.0.1:\(server.port): Connection refused")
                #expect(test.link.trouble == "redis 127.0.0.1:\(server.port): Connection refused")
                try await server.start()
                #expect(try await patient.reply() == .integer(1))
                #expect(try await test.reply("GET", "number").int == 1)
                #expect(test.link.trouble == nil)
            }
        }
    }

    @Test("A name that leads nowhere is an operator's to mend")
    func noName() async throws {
        try await LinkUnderTest.with(RedisEndpoint(.host("nowhere.invalid", port: 1)), limits: Self.quick) { test in
            let reason = try await test.lost()
            #expect(reason.hasPrefix("redis nowhere.invalid:1: the name leads nowhere: "))
        }
    }

    @Test("When the server is killed, what it had begun is unknown, and the rest is served by the next one")
    func killed() async throws {
        let content = [UInt8](repeating: 0x61, count: 16 << 20)
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint, limits: Self.quick) { test in
                try await test.tells(.ready)
                #expect(try await test.reply("SET", "before", "1") == .status("OK"))
                server.pause()
                let begun = (0..<10).map { _ in test.begin("PING") }
                var set = RedisCommand("SET")
                set.append("large")
                set.append(content)
                // It fits no socket: a part of it is written, and nothing of what follows.
                let large = test.begin(set)
                let waiting = (0..<10).map { _ in test.begin("INCR", "number") }
                try await test.hasWritten()
                server.kill()
                for answer in begun + [large] { #expect(await answer.outcomeUnknown() != nil) }
                #expect(waiting.allSatisfy { $0.results.isEmpty })
                try await server.start()
                for (index, answer) in waiting.enumerated() {
                    #expect(try await answer.reply() == .integer(Int64(index + 1)))
                }
                #expect(try await test.reply("EXISTS", "large", "before") == .integer(0))
                #expect((begun + waiting + [large]).allSatisfy { $0.results.count == 1 })
            }
        }
    }

    @Test("A frozen server fails at the deadline what was written, and is served by again when it thaws")
    func frozen() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.tells(.ready)
                server.pause()
                let patient = test.begin("INCR", "number")
                let hasty = test.begin("INCR", "number", within: .milliseconds(100))
                #expect(await hasty.outcomeUnknown() != nil)
                // It would wait for the same server.
                #expect(await patient.outcomeUnknown() != nil)
                #expect(try await test.lost().hasSuffix(": a command had no answer in time"))
                let next = test.begin("EXISTS", "number")
                #expect(try await test.lost().contains("no answer to the connection within"))
                server.resume()
                // It ran, in the end, what it had been told: nobody knew.
                #expect(try await next.reply() == .integer(1))
                #expect(try await test.reply("GET", "number").int == 2)
            }
        }
    }

    @Test("Of what is behind something that is not taken, nothing is written, then or later")
    func notTaken() async throws {
        let content = [UInt8](repeating: 0x61, count: 16 << 20)
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.tells(.ready)
                server.pause()
                var set = RedisCommand("SET")
                set.append("large")
                set.append(content)
                let large = test.begin(set)
                let behind = test.begin("INCR", "number", within: .milliseconds(100))
                #expect(await behind.notSent()?.hasSuffix("the server does not take what is sent to it") == true)
                server.resume()
                #expect(try await large.reply() == .status("OK"))
                #expect(try await test.reply("EXISTS", "number") == .integer(0))
            }
        }
    }

    @Test("A command whose time is over when it is run is not sent")
    func overAlready() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.tells(.ready)
                #expect(await test.begin("INCR", "number", within: .milliseconds(-1)).notSent() != nil)
                #expect(try await test.reply("EXISTS", "number") == .integer(0))
            }
        }
    }

    @Test("An answer that came while the loop was held up is an answer")
    func heldUp() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.tells(.ready)
                let answer = test.begin("PING", within: .milliseconds(50))
                // Right after it is written, the loop stands still until after the deadline.
                test.link.loop.execute {
                    let end = ContinuousClock.now + .milliseconds(100)
                    while ContinuousClock.now < end {}
                }
                #expect(try await answer.reply() == .status("PONG"))
            }
        }
    }

    @Test("Too many commands, and too much content, are refused at once, and not for ever")
    func bounds() async throws {
        var limits = Self.quick
        limits.commandsMax = 10
        limits.contentBytesMax = 10_000
        try await RedisServer.run(isStarted: false) { server in
            try await LinkUnderTest.with(server.endpoint, limits: limits) { test in
                var echo = RedisCommand("ECHO")
                echo.append([UInt8](repeating: 0x61, count: 9_800))
                let large = test.begin(echo)
                let tooMuch = test.begin(echo)
                #expect(tooMuch.results.isEmpty)
                #expect(await tooMuch.notSent()?.hasSuffix("too much content waits for its answers") == true)
                let small = (0..<9).map { _ in test.begin("PING") }
                let tooMany = test.begin("PING")
                #expect(tooMany.results.isEmpty)
                #expect(await tooMany.notSent()?.hasSuffix("too many commands wait for their answers") == true)
                #expect((small + [large]).allSatisfy { $0.results.isEmpty })
                try await server.start()
                for answer in small + [large] { _ = try await answer.reply() }
                for _ in 0..<3 {
                    let again = (0..<10).map { _ in test.begin("PING") }
                    for answer in again { #expect(try await answer.reply() == .status("PONG")) }
                    #expect(try await test.begin(echo).reply().content?.count == 9_800)
                }
            }
        }
    }

    @Test("A closed link has failed what was not answered, and takes nothing any more")
    func closed() async throws {
        let content = [UInt8](repeating: 0x61, count: 16 << 20)
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                try await test.tells(.ready)
                server.pause()
                var echo = RedisCommand("ECHO")
                echo.append(content)
                let begun = [test.begin("PING"), test.begin(echo)]
                let waiting = test.begin("PING")
                try await test.hasWritten()
                test.link.close()
                #expect((begun + [waiting]).allSatisfy { $0.results.count == 1 })
                for answer in begun { #expect(await answer.outcomeUnknown() != nil) }
                #expect(await waiting.notSent() != nil)
                test.link.close()
                let late = test.begin("PING")
                #expect(late.results.isEmpty)
                #expect(await late.notSent()?.hasSuffix("the link is closed") == true)
                #expect(!test.link.isReady && test.link.trouble != nil)
            }
        }
    }

    @Test("A link can be closed wherever it calls")
    func closedInCallbacks() async throws {
        try await RedisServer.run { server in
            try await LinkUnderTest.with(server.endpoint) { test in
                let answers = (0..<3).map { _ in Answer() }
                test.link.run(RedisCommand("PING"), until: .now + .seconds(50)) {
                    test.link.close()
                    answers[0].come($0)
                }
                for answer in answers[1...] {
                    test.link.run(RedisCommand("PING"), until: .now + .seconds(50)) { answer.come($0) }
                }
                let reply = try await answers[0].reply()
                #expect(reply == .status("PONG"))
                for answer in answers[1...] { #expect(await answer.outcomeUnknown() != nil) }
            }
        }
    }
}

extension LinkUnderTest {
    /// Returns when what was run has been written, as far as there is room.
    func hasWritten() async throws {
        // Its turn was asked for before.
        await withCheckedContinuation { continuation in
            link.loop.execute { [self] in link.loop.execute { continuation.resume() } }
        }
    }
}

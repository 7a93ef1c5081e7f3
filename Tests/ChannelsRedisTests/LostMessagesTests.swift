import Channels
import ChannelsTesting
import Testing

@testable import ChannelsRedis

/// A Redis that stands still while it is asked does what it was asked when it goes on, and nobody hears of it.
@Suite("What Redis hands over and nobody gets", .timeLimit(.minutes(5)))
struct LostMessagesTests {
    private func withBackend(
        clock: ManualClock = ManualClock(), callTimeMax: Duration = .milliseconds(500),
        _ body: (RedisBackend, RedisServer) async throws -> Void
    ) async throws {
        try await RedisServer.run { server in
            let backend = try RedisBackend.make(
                servers: [server], clock: clock, callTimeMax: callTimeMax)
            try await backend.sendWhenThere("0", to: "ready")
            #expect(try await backend.receive("ready").count == 1)
            try await body(backend, server)
            await backend.shutdown()
        }
    }

    @Test("Of an unanswered question each message that it took counts, and one that took nothing counts for nothing")
    func unanswered() async throws {
        try await withBackend { backend, server in
            for number in 0..<12 { try await backend.send("\(number)", to: "x") }
            try await backend.askInVain("x", max: 10, server)
            #expect(try await backend.lostCount(whenPending: 2) == 10)
            try await backend.askInVain("nothing", max: 10, server)
            // What is asked after it, on the same connection or a later one, is done after it.
            try await backend.askInVain("x", max: 10, server)
            #expect(try await backend.lostCount(whenPending: 0) == 12)
            try await backend.send("after", to: "x")
            #expect(try await backend.receive("x").count == 1)
            #expect(try await backend.lostCount(whenPending: 0) == 12)
        }
    }

    @Test("A Redis that comes back empty lets nothing count, and what is lost then does")
    func comesBackEmpty() async throws {
        try await withBackend { backend, server in
            for number in 0..<3 { try await backend.send("\(number)", to: "x") }
            for _ in 0..<3 { #expect(try await backend.receive("x").count == 1) }
            #expect(try await backend.lostCount(whenPending: 0) == 0)
            server.kill()
            try await server.start()
            for number in 0..<5 {
                try await backend.sendWhenThere("\(number)", to: "x")
                while (try? await backend.receive("x").count) != 1 {}
            }
            #expect(try await backend.lostCount(whenPending: 0) == 0)
            try await backend.send("6", to: "x")
            try await backend.askInVain("x", max: 10, server)
            #expect(try await backend.lostCount(whenPending: 0) == 1)
        }
    }

    @Test("What goes back, though nobody is told so, is not lost")
    func givenBack() async throws {
        try await withBackend { backend, server in
            for number in 0..<2 { try await backend.send("\(number)", to: "x") }
            let taken = try await backend.receive("x") + backend.receive("x")
            server.pause()
            #expect(await backend.giveBack(taken) == 2, "nobody can tell")
            server.resume()
            #expect(try await backend.lostCount(whenPending: 2) == 0)
            let again = try await backend.receive("x")
            #expect(await backend.giveBack(again) == 0)
            #expect(try await backend.lostCount(whenPending: 2) == 0)
        }
    }

    @Test("What Redis does not take back, as it is empty since, is lost, once")
    func keptBack() async throws {
        let clock = ManualClock()
        try await withBackend(clock: clock, callTimeMax: .seconds(20)) { backend, server in
            try await backend.send("1", to: "x")
            let taken = try await backend.receive("x")
            server.kill()
            // The layer that begins there is another one.
            clock.advance(by: .seconds(1))
            try await server.start()
            #expect(await backend.giveBack(taken) == 1)
            for _ in 0..<2 { #expect(try await backend.lostCount(whenPending: 0) == 1) }
        }
    }

    @Test("What goes back to a Redis that has forgotten it is there again, and never counts")
    func forgotten() async throws {
        try await withBackend(callTimeMax: .seconds(20)) { backend, server in
            try await backend.send("1", to: "x")
            let taken = try await backend.receive("x")
            server.kill()
            try await server.start()
            #expect(await backend.giveBack(taken) == 0)
            #expect(try await backend.lostCount(whenPending: 1) == 0)
            server.kill()
            try await server.start()
            try await backend.sendWhenThere("2", to: "x")
            while (try? await backend.receive("x").count) != 1 {}
            #expect(try await backend.lostCount(whenPending: 0) == 0)
        }
    }

    @Test("A flush changes nothing in it")
    func flushed() async throws {
        try await withBackend { backend, server in
            for number in 0..<3 { try await backend.send("\(number)", to: "x") }
            #expect(try await backend.receive("x").count == 1)
            #expect(try await backend.lostCount(whenPending: 2) == 0)
            try await backend.flush()
            try await backend.send("3", to: "x")
            try await backend.askInVain("x", max: 10, server)
            #expect(try await backend.lostCount(whenPending: 0) == 1)
        }
    }

    @Test("Redis's count for a server outlives its lease, by an hour")
    func keptForAnHour() async throws {
        try await RedisServer.run { server in
            let clock = ManualClock()
            let gone = try RedisBackend.make(server: server, prefix: "shared", clock: ManualClock())
            let other = try RedisBackend.make(server: server, prefix: "shared", clock: clock)
            for number in 0..<3 { try await gone.sendWhenThere("\(number)", to: "x") }
            for _ in 0..<3 { #expect(try await gone.receive("x").count == 1) }
            _ = try await other.stats()
            let rows = other.core.shards[0].keys.all[0]
            let field = "t" + gone.core.server
            // Its lease ends, and after that comes the hour.
            for (seconds, isThere) in [(10, true), (3590, true), (20, false)] {
                clock.advance(by: .seconds(seconds))
                _ = try await other.stats()
                #expect(try await other.command("HGET", rows, field).text == (isThere ? "3" : nil), "\(seconds)")
            }
            await gone.shutdown()
            await other.shutdown()
        }
    }

    @Test("With each tick Redis tells its count, and what has come until then is taken off")
    func ticks() async throws {
        try await CannedShard.with { shard in
            for (handed, lost) in [(2, 1), (3, 1), (1, 1), (2, 1), (9, 7)] {
                let receiver = try shard.begin("x")
                try await shard.next("receive")
                shard.core.tick(0)
                try await shard.next("tick")
                try shard.answerTaken("1", from: "x")
                shard.answerTick(handed: handed)
                try await shard.next("pass")
                shard.answer("+OK\r\n")
                #expect(try await shard.isQuiet())
                #expect(receiver.texts == ["1"])
                #expect(shard.core.lostCount == lost)
            }
        }
    }
}

extension RedisBackend {
    /// Receives from a Redis that stands still until nobody waits for what it says.
    fileprivate func askInVain(_ channel: String, max: Int, _ server: RedisServer) async throws {
        // There is a connection.
        while (try? await checkReadiness()) == nil {}
        server.pause()
        let error = await #expect(throws: ChannelError.self) {
            try await receiveMany([ChannelName(channel)], options: ReceiveOptions(messagesMax: max))
        }
        #expect(error?.code == .outcomeUnknown)
        server.resume()
    }

    /// As soon as so many messages are there.
    fileprivate func lostCount(whenPending pending: Int) async throws -> Int? {
        while true {
            guard let stats = try? await stats(), stats.pending == pending else {
                try Task.checkCancellation()
                continue
            }
            return stats.lost
        }
    }
}

import Channels
import ChannelsTesting
import Dispatch
import Reactor
import Testing

@testable import ChannelsRedis

/// Two servers share a layer; each is a backend of its own here, with its connections and its name.
@Suite("Several servers on one Redis", .timeLimit(.minutes(1)))
struct SeveralServersTests {
    private struct Pair {
        let clock = ManualClock()
        let a: RedisBackend
        let b: RedisBackend

        init(on server: RedisServer) throws {
            a = try .make(server: server, prefix: "shared", clock: clock)
            b = try .make(server: server, prefix: "shared", clock: clock)
        }

        func shutdown() async {
            await a.shutdown()
            await b.shutdown()
        }

        /// A receiver that waits at a server, when Redis rings that for its channels.
        func wait(at backend: RedisBackend, on channels: String..., max: Int = 1) async throws -> Task<
            [Delivery], any Error
        > {
            let names = try channels.map { try ChannelName($0) }
            let before = try await backend.stats().waiting ?? 0
            let deadline = clock.now.advanced(by: .seconds(1000))
            let wait = Task {
                try await backend.receiveManyBlocking(
                    names, options: ReceiveOptions(messagesMax: max), until: deadline)
            }
            while try await backend.stats().waiting != before + 1 { await Task.yield() }
            let other = backend === a ? b : a
            // Of the other server's: null where it is not known how many wait elsewhere.
            for name in names { while try await other.status(of: name).waiting != nil { await Task.yield() } }
            return wait
        }
    }

    private func withPair(_ body: (Pair, RedisServer) async throws -> Void) async throws {
        try await RedisServer.run { server in
            let pair = try Pair(on: server)
            try await body(pair, server)
            await pair.shutdown()
        }
    }

    @Test("What one accepts another delivers, once")
    func shared() async throws {
        try await withPair { pair, _ in
            let sent = try await pair.a.send("1", to: "x")
            let taken = try await pair.b.receive("x")
            #expect(taken.map(\.id) == [sent.id])
            #expect(try await pair.a.receive("x").isEmpty)
        }
    }

    @Test("A receiver that waits at one is woken by a send at another")
    func wakes() async throws {
        try await withPair { pair, _ in
            let wait = try await pair.wait(at: pair.a, on: "x", "inbox!")
            try await pair.b.send("1", to: "inbox!ann")
            #expect(try await wait.value.map(\.text) == ["1"])
        }
    }

    @Test("The counts of a mailbox stay while somebody waits for one of its channels alone, and go a minute later")
    func countsOfMailbox() async throws {
        try await withPair { pair, _ in
            try await pair.a.send("1", to: "inbox!ann")
            #expect(try await pair.b.receive("inbox!ann").count == 1)
            let wait = try await pair.wait(at: pair.a, on: "inbox!ann")
            for isWaitedFor in [true, false] {
                // Each tick has been answered before the next one is due.
                for _ in 0..<125 {
                    pair.clock.advance(by: .seconds(1))
                    try await pair.a.checkReadiness()
                    try await pair.b.checkReadiness()
                }
                let counts = try await pair.b.status(of: ChannelName("inbox!")).counts
                #expect(counts?.delivered == (isWaitedFor ? 1 : 0))
                wait.cancel()
                _ = await wait.result
            }
        }
    }

    @Test("A group send at one wakes the members that wait at both, also who joined while it waited")
    func wakesGroups() async throws {
        try await withPair { pair, _ in
            try await pair.b.join("x", "team")
            let first = try await pair.wait(at: pair.a, on: "x")
            let second = try await pair.wait(at: pair.b, on: "y")
            let third = try await pair.wait(at: pair.a, on: "inbox!")
            try await pair.a.join("y", "team")
            try await pair.b.join("inbox!ann", "team")
            let sent = try await pair.b.sendGroup(
                Message(content: Array("1".utf8)), to: GroupName("team"), options: GroupSendOptions())
            #expect(sent.members == 3)
            for wait in [first, second, third] { #expect(try await wait.value.map(\.id) == [sent.id]) }
        }
    }

    @Test("Of many that wait at both for one channel each message wakes one, and none is left")
    func competes() async throws {
        try await withPair { pair, _ in
            var waits: [Task<[Delivery], any Error>] = []
            for number in 0..<20 {
                waits.append(try await pair.wait(at: number.isMultiple(of: 2) ? pair.a : pair.b, on: "x"))
            }
            for number in 0..<20 { try await pair.a.send("\(number)", to: "x") }
            var texts: [Int] = []
            for wait in waits { texts += try await wait.value.compactMap { Int($0.text) } }
            #expect(texts.sorted() == Array(0..<20))
        }
    }

    @Test("A bell for a receiver that has gone is passed on to another server")
    func passesOn() async throws {
        try await withPair { pair, _ in
            for number in 0..<10 {
                let gone = try await pair.wait(at: pair.a, on: "x")
                let stays = try await pair.wait(at: pair.b, on: "x")
                gone.cancel()
                _ = await gone.result
                // Redis may ring the first: it has not heard yet that nobody waits there.
                try await pair.a.send("\(number)", to: "x")
                #expect(try await stays.value.map(\.text) == ["\(number)"])
            }
        }
    }

    @Test("What is given back at one goes to who waits at another")
    func givesBack() async throws {
        try await withPair { pair, _ in
            try await pair.a.send("1", to: "x")
            let taken = try await pair.a.receive("x")
            let wait = try await pair.wait(at: pair.b, on: "x")
            #expect(await pair.a.giveBack(taken) == 0)
            #expect(try await wait.value.map(\.id) == taken.map(\.id))
        }
    }

    @Test("A server that stands still is forgotten, and what it was rung for is rung for at another")
    func standsStill() async throws {
        try await withPair { pair, _ in
            let lost = try await pair.wait(at: pair.a, on: "x")
            _ = try await pair.wait(at: pair.b, on: "x")
            _ = try await pair.wait(at: pair.b, on: "x")
            let thaw = DispatchSemaphore(value: 0)
            pair.a.core.loop.execute { thaw.wait() }
            // Of two sends at least one rings the server that does not come.
            for number in 1...2 {
                try await pair.b.send("\(number)", to: "x")
                while try await pair.b.stats().counts?.delivered != number { pair.clock.advance(by: .seconds(1)) }
            }
            thaw.signal()
            lost.cancel()
            _ = await lost.result
        }
    }

    @Test("A Redis that has forgotten its last moments gives no number again, and nobody's message to somebody else")
    func forgets() async throws {
        try await withPair { pair, server in
            try await pair.a.send("kept", to: "x")
            try await pair.a.command("SAVE")
            let forgotten = try await pair.a.send("forgotten", to: "x")
            let taken = try await pair.a.receive("x") + pair.a.receive("x")
            server.kill()
            try await server.start()
            let later = try await pair.a.sendWhenThere("later", to: "y")
            #expect(later.id > forgotten.id)
            // The first is there again by itself; the other finds its place.
            #expect(await pair.a.giveBack(taken) == 0)
            #expect(try await pair.a.receive("y").map(\.text) == ["later"])
            let again = try await pair.a.receive("x") + pair.a.receive("x") + pair.a.receive("x")
            #expect(again.map(\.text) == ["kept", "forgotten"])
        }
    }

    @Test("Bells for a mailbox that nobody waits on any more come to an end")
    func mailboxBells() async throws {
        try await withPair { pair, _ in
            let wait = try await pair.wait(at: pair.a, on: "inbox!")
            for number in 0..<5 { try await pair.b.send("\(number)", to: "inbox!ann") }
            #expect(try await wait.value.count == 1)
            // What has rung is answered by then.
            for _ in 0..<10 { _ = try await pair.a.stats() }
            let before = try await pair.a.callCount()
            for _ in 0..<10 { _ = try await pair.a.stats() }
            #expect(try await pair.a.callCount() - before == 10)
        }
    }

    @Test("A group send for which somebody else's message came first wakes the next in line")
    func nextInLine() async throws {
        try await withPair { pair, _ in
            try await pair.a.join("b", "team")
            for number in 0..<50 {
                let first = try await pair.wait(at: pair.a, on: "a", "b")
                let second = try await pair.wait(at: pair.a, on: "b")
                async let direct = pair.b.send("direct \(number)", to: "a")
                _ = try await pair.b.sendGroup(
                    Message(content: Array("group \(number)".utf8)), to: GroupName("team"), options: GroupSendOptions())
                _ = try await direct
                var texts = [try await first.value.map(\.text)]
                if texts == [["group \(number)"]] {
                    try await pair.b.send("direct \(number)", to: "b")
                    texts.append(try await second.value.map(\.text))
                    #expect(texts.last == ["direct \(number)"])
                    #expect(try await pair.b.receive("a").map(\.text) == ["direct \(number)"])
                } else {
                    #expect(try await second.value.map(\.text) == ["group \(number)"])
                }
            }
        }
    }

    @Test("A flush leaves receivers in wait where they are, and they get what is sent then")
    func flushes() async throws {
        try await withPair { pair, _ in
            let wait = try await pair.wait(at: pair.a, on: "x")
            try await pair.b.flush()
            try await pair.b.send("1", to: "x")
            #expect(try await wait.value.map(\.text) == ["1"])
        }
    }

    @Test("Receivers in wait stay while Redis is away, and get what is sent when it is back, empty")
    func outlivesRedis() async throws {
        try await withPair { pair, server in
            let wait = try await pair.wait(at: pair.a, on: "x")
            server.kill()
            let error = await #expect(throws: ChannelError.self) { try await pair.b.send("1", to: "x") }
            #expect([.backendUnavailable, .outcomeUnknown].contains(error?.code))
            try await server.start()
            try await pair.b.sendWhenThere("2", to: "x")
            #expect(try await wait.value.map(\.text) == ["2"])
        }
    }
}

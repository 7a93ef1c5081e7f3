import Channels
import ChannelsTesting
import Reactor
import Testing

@testable import ChannelsRedis

/// Sends that come in one turn of the loop are one call of Redis, and so are receives.
@Suite("Sends and receives of one turn", .timeLimit(.minutes(1)))
struct GatheringTests {
    private func withBackend(
        library: ShardLibrary = .onClockInKey, settings: LayerSettings = LayerSettings(),
        callTimeMax: Duration = .seconds(30), _ body: (RedisBackend, TestTime, RedisServer) async throws -> Void
    ) async throws {
        try await RedisServer.run { server in
            let time = TestTime()
            let context = try RedisBackend.context(
                servers: [server], prefix: "l", settings: settings, clock: ManualClock())
            let backend = try RedisBackend.make(
                context, library: library, time: { time.microseconds }, callTimeMax: callTimeMax)
            // Until the library is there. Then no tick is under way.
            while (try? await backend.checkReadiness()) == nil {}
            try await body(backend, time, server)
            await backend.shutdown()
        }
    }

    // MARK: Sends

    @Test("They are one call, in their order, and each is accepted or refused on its own")
    func sends() async throws {
        var settings = LayerSettings()
        settings.capacity = 3
        try await withBackend(settings: settings) { backend, _, _ in
            let before = try await backend.callCount()
            let sends = (0..<5).map { ("x", "\($0)") } + [("inbox!a", "5"), ("y", "6")]
            let outcomes = try await backend.sendInOneTurn(sends)
            #expect(try await backend.callCount() - before == 1)
            #expect(outcomes.map { $0.pending } == [1, 2, 3, nil, nil, 1, 1])
            #expect(outcomes.map { $0.code } == [nil, nil, nil, .channelFull, .channelFull, nil, nil])
            let ids = outcomes.compactMap { $0.id }
            #expect(ids == ids.sorted() && Set(ids).count == 5)
            #expect(try await backend.texts("x", 9) == ["0", "1", "2"])
            #expect(try await backend.texts("inbox!", 9) == ["5"])
            #expect(try await backend.texts("y", 9) == ["6"])
            #expect(try await backend.stats().counts?.rejected == 2)
        }
    }

    @Test("While two calls of sends have no answer, those that come share the next, which leaves with the first answer")
    func underWay() async throws {
        try await CannedShard.with { shard in
            let channel = try ChannelName("x")
            var accepted = 0
            for index in 0..<5 {
                shard.core.send(Message("\(index)"), to: channel, options: SendOptions()) { result in
                    if (try? result.get()) != nil { accepted += 1 }
                }
                // Some turns of the loop.
                for _ in 0..<10 { await Task.yield() }
            }
            for _ in 0..<2 { #expect(try await shard.next("send").arguments.count == 7) }
            shard.answer("*3\r\n:1\r\n:5\r\n:1\r\n")
            let last = try await shard.next("send")
            #expect(stride(from: 6, to: last.arguments.count, by: 7).map { last.arguments[$0] } == ["2", "3", "4"])
            shard.answer("*3\r\n:1\r\n:6\r\n:2\r\n")
            shard.answer("*7\r\n:1\r\n:7\r\n:3\r\n:8\r\n:4\r\n:0\r\n:4\r\n")
            // The answers come by a socket: it tells nobody but the core that they have arrived.
            while accepted < 4 { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    @Test("A call has a hundred at most, and 64 KiB of content, but for what is larger by itself")
    func limits() async throws {
        var settings = LayerSettings()
        settings.capacity = 1000
        try await withBackend(settings: settings) { backend, _, _ in
            let (half, whole) = (String(repeating: "h", count: 32_768), String(repeating: "w", count: 70_000))
            let calls = [
                try await backend.callsToSend((0..<250).map { "\($0)" }),
                try await backend.callsToSend([half, half, half]),
                try await backend.callsToSend(["a", whole, "b"]),
            ]
            #expect(calls == [3, 2, 3])
            let expected = (0..<250).map { "\($0)" } + [half, half, half, "a", whole, "b"]
            #expect(try await backend.texts("x", 1000) == expected)
        }
    }

    @Test("What more is in the way of is called again, in its order, and keeps nobody else")
    func putOff() async throws {
        try await withBackend(library: .shortOfSlice) { backend, time, _ in
            _ = try await backend.sendInOneTurn((0..<10).map { ("x", "old \($0)") }, expiry: .seconds(1))
            time.set(.seconds(2))
            let before = try await backend.callCount()
            let outcomes = try await backend.sendInOneTurn([("x", "1"), ("y", "2"), ("x", "3"), ("y", "4")])
            // Three of the ten that have expired are freed in each call.
            #expect(try await backend.callCount() - before == 4)
            #expect(outcomes.map { $0.pending } == [1, 1, 2, 2])
            let ids = outcomes.compactMap { $0.id }
            #expect(ids.count == 4 && ids[1] < ids[3] && ids[3] < ids[0] && ids[0] < ids[2])
            #expect(try await backend.texts("x", 9) == ["1", "3"])
            #expect(try await backend.texts("y", 9) == ["2", "4"])
        }
    }

    @Test("One that fails in its middle fails alone")
    func failsAlone() async throws {
        try await withBackend(library: .failing) { backend, _, _ in
            let outcomes = try await backend.sendInOneTurn([("a", "1"), ("broken", "2"), ("b", "3")])
            #expect(outcomes.map { $0.code } == [nil, .outcomeUnknown, nil])
            let received = try await backend.receiveInOneTurn(["a", "broken", "b"])
            #expect(received.map { $0.contents } == [["1"], nil, ["3"]])
        }
    }

    @Test("Those whose answer is lost are told that nobody knows")
    func answerIsLost() async throws {
        try await withBackend(callTimeMax: .seconds(1)) { backend, _, server in
            server.pause()
            async let sent = backend.sendInOneTurn([("x", "1"), ("y", "2"), ("x", "3")])
            async let taken = backend.receiveInOneTurn(["z", "z"])
            let (outcomes, received) = try await (sent, taken)
            #expect(outcomes.map { $0.code } == [.outcomeUnknown, .outcomeUnknown, .outcomeUnknown])
            #expect(received.allSatisfy { if case .failure = $0 { true } else { false } })
            server.resume()
        }
    }

    @Test("Without a Redis none of them was sent")
    func unreachable() async throws {
        try await withBackend(callTimeMax: .seconds(1)) { backend, _, server in
            server.kill()
            while try await backend.sendInOneTurn([("x", "0")])[0].code != .backendUnavailable {}
            let outcomes = try await backend.sendInOneTurn([("x", "1"), ("y", "2")])
            #expect(outcomes.map { $0.code } == [.backendUnavailable, .backendUnavailable])
        }
    }

    @Test("What else is called comes after them")
    func order() async throws {
        try await withBackend { backend, _, _ in
            let (channel, group) = (try ChannelName("x"), try GroupName("g"))
            try await backend.groupAdd(channel, to: group, options: GroupAddOptions())
            await withCheckedContinuation { continuation in
                backend.core.loop.execute { [core = backend.core] in
                    core.send(Message("1"), to: channel, options: SendOptions()) { _ in }
                    core.sendGroup(Message("2"), to: group, options: GroupSendOptions()) { _ in }
                    core.send(Message("3"), to: channel, options: SendOptions()) { _ in continuation.resume() }
                }
            }
            #expect(try await backend.texts("x", 9) == ["1", "2", "3"])
        }
    }

    @Test("A batch comes after them, too, and its own keep their order where they are called again")
    func batch() async throws {
        try await withBackend(library: .shortOfSlice) { backend, time, _ in
            _ = try await backend.sendInOneTurn((0..<10).map { ("x", "old \($0)") }, expiry: .seconds(1))
            time.set(.seconds(2))
            let texts = (0..<150).map { "\($0)" }
            let channel = try ChannelName("x")
            let results = await backend.sendEach(texts.map { .channel(channel, Message($0), SendOptions()) })
            let refused = results.filter { if case .failure = $0 { true } else { false } }
            #expect(refused.count == 50)
            #expect(try await backend.texts("x", 1000) == Array(texts.prefix(100)))
        }
    }

    // MARK: Receives

    @Test("They are one call, and each message goes to one of them")
    func receives() async throws {
        try await withBackend { backend, _, _ in
            _ = try await backend.sendInOneTurn([("x", "1"), ("x", "2"), ("y", "3")])
            let before = try await backend.callCount()
            let received = try await backend.receiveInOneTurn(["x", "x", "x", "y", "z"])
            #expect(try await backend.callCount() - before == 1)
            #expect(received.map { $0.contents } == [["1"], ["2"], [], ["3"], []])
            #expect(try await backend.stats().pending == 0)
        }
    }

    @Test("Behind large answers they are called again")
    func largeAnswers() async throws {
        try await withBackend { backend, _, _ in
            let texts = (0..<6).map { String(repeating: "\($0)", count: 200_000) }
            _ = try await backend.sendInOneTurn(texts.map { ("x", $0) })
            let before = try await backend.callCount()
            let received = try await backend.receiveInOneTurn(Array(repeating: "x", count: 6))
            #expect(try await backend.callCount() - before == 3)
            #expect(received.map { $0.contents } == texts.map { [$0] })
        }
    }

    @Test("Those that more is in the way of are called again, and keep nobody else")
    func receivesPutOff() async throws {
        try await withBackend(library: .shortOfSlice) { backend, time, _ in
            _ = try await backend.sendInOneTurn((0..<10).map { ("x", "old \($0)") }, expiry: .seconds(1))
            time.set(.seconds(2))
            _ = try await backend.sendInOneTurn([("y", "1")])
            let before = try await backend.callCount()
            let received = try await backend.receiveInOneTurn(["x", "y"])
            #expect(try await backend.callCount() - before == 4)
            #expect(received.map { $0.contents } == [[], ["1"]])
        }
    }
}

/// What came of a send.
private struct SendOutcome: Sendable {
    var id: MessageID?
    var pending: Int?
    var code: ChannelError.Code?

    init(_ result: Result<SendReceipt, ChannelError>) {
        switch result {
        case .success(let receipt): (id, pending) = (receipt.id, receipt.pending)
        case .failure(let error): code = error.code
        }
    }
}

extension RedisBackend {
    /// All in one turn of the loop.
    fileprivate func sendInOneTurn(_ sends: [(String, String)], expiry: Duration? = nil) async throws
        -> [SendOutcome]
    {
        let sends = try sends.map { (channel: try ChannelName($0.0), text: $0.1) }
        return await inOneTurn(sends) { core, send, completion in
            var options = SendOptions()
            options.expiry = expiry
            core.send(Message(send.text), to: send.channel, options: options) {
                completion(SendOutcome($0))
            }
        }
    }

    /// The contents that each gets.
    fileprivate func receiveInOneTurn(_ channels: [String]) async throws -> [Result<[String], ChannelError>] {
        await inOneTurn(try channels.map { try ChannelName($0) }) { core, channel, completion in
            core.receive([channel], options: ReceiveOptions()) {
                completion($0.map { $0.map { String(decoding: $0.message.content, as: UTF8.self) } })
            }
        }
    }

    /// All in one turn, to x.
    fileprivate func callsToSend(_ texts: [String]) async throws -> Int {
        let before = try await callCount()
        let outcomes = try await sendInOneTurn(texts.map { ("x", $0) })
        #expect(outcomes.allSatisfy { $0.code == nil })
        return try await callCount() - before
    }

    private func inOneTurn<Element: Sendable, Value: Sendable>(
        _ elements: [Element],
        _ call: @escaping @Sendable (RedisCore, Element, @escaping (Value) -> Void) -> Void
    ) async -> [Value] {
        await withCheckedContinuation { continuation in
            core.loop.execute { [core] in
                var values: [Value?] = elements.map { _ in nil }
                var missing = elements.count
                for (index, element) in elements.enumerated() {
                    call(core, element) { value in
                        values[index] = value
                        missing -= 1
                        if missing == 0 { continuation.resume(returning: values.compactMap { $0 }) }
                    }
                }
            }
        }
    }

    /// What a channel gives, `max` at most.
    fileprivate func texts(_ channel: String, _ max: Int) async throws -> [String] {
        try await receiveMany([ChannelName(channel)], options: ReceiveOptions(messagesMax: max))
            .map { String(decoding: $0.message.content, as: UTF8.self) }
    }
}

extension Result where Success == [String] {
    /// Nil where it failed.
    fileprivate var contents: [String]? { try? get() }
}

extension Message {
    fileprivate init(_ text: String) { self.init(content: Array(text.utf8)) }
}

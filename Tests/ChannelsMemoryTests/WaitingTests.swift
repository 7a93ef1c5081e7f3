import Channels
import ChannelsMemory
import ChannelsTesting
import Synchronization
import Testing

@testable import ChannelsReference

@Suite("Receivers in wait, on the memory backend")
struct WaitingTests {
    private let clock = ManualClock()
    private let backend: MemoryBackend

    init() { backend = MemoryBackend(clock: clock, epoch: 1) }

    @Test("A receiver in wait gets what is sent, and the queue stays empty")
    func handOver() async throws {
        let wait = receive("a")
        try await waiting(1)
        let receipt = try await backend.send(message("1"), to: ChannelName("a"), options: SendOptions())
        #expect(receipt.pending == 0)
        #expect(try await wait.value.map(\.id) == [receipt.id])
        #expect(try await backend.status(of: ChannelName("a")).pending == 0)
    }

    @Test("At the time limit a receiver gets nothing, and takes nothing later")
    func timeLimit() async throws {
        let wait = receive("a", for: .seconds(30))
        try await waiting(1)
        clock.advance(by: .seconds(30))
        #expect(try await wait.value.isEmpty)
        try await backend.send(message("1"), to: ChannelName("a"), options: SendOptions()).expectPending(1)
    }

    @Test("A cancelled receiver has taken nothing")
    func cancellation() async throws {
        let wait = receive("a")
        try await waiting(1)
        wait.cancel()
        await #expect(throws: CancellationError.self) { try await wait.value }
        try await backend.send(message("1"), to: ChannelName("a"), options: SendOptions()).expectPending(1)
        #expect(try await backend.stats().waiting == 0)
    }

    @Test("Who came first is served first")
    func firstComeFirstServed() async throws {
        var waits: [Task<[Delivery], any Error>] = []
        for count in 1...5 {
            waits.append(receive("a"))
            try await waiting(count)
        }
        for wait in waits {
            let receipt = try await backend.send(message("1"), to: ChannelName("a"), options: SendOptions())
            #expect(try await wait.value.map(\.id) == [receipt.id])
        }
    }

    @Test("Nothing waits, so an expiry of 0 reaches nobody; somebody waits, so it does")
    func expiryZero() async throws {
        let now = SendOptions(expiry: .zero)
        try await backend.send(message("1"), to: ChannelName("a"), options: now).expectPending(0)
        #expect(try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions()).isEmpty)
        let wait = receive("a")
        try await waiting(1)
        let receipt = try await backend.send(message("2"), to: ChannelName("a"), options: now)
        #expect(try await wait.value.map(\.id) == [receipt.id])
    }

    @Test("A group send answers all its receivers in wait, and the other members find their copies")
    func groupSend() async throws {
        let group = try GroupName("g")
        for index in 0..<100 {
            try await backend.groupAdd(ChannelName("c\(index)"), to: group, options: GroupAddOptions())
        }
        let waits = (0..<50).map { receive("c\($0)") }
        try await waiting(50)
        let receipt = try await backend.sendGroup(message("1"), to: group, options: GroupSendOptions())
        #expect(receipt.members == 100)
        for wait in waits { #expect(try await wait.value.map(\.id) == [receipt.id]) }
        for index in 0..<100 {
            let found = try await backend.receiveMany(
                [ChannelName("c\(index)")], options: ReceiveOptions(messagesMax: 5))
            #expect(found.map(\.id) == (index < 50 ? [] : [receipt.id]))
        }
    }

    @Test("A message that comes back goes to who waits")
    func giveBackWakes() async throws {
        let receipt = try await backend.send(message("1"), to: ChannelName("a"), options: SendOptions())
        let taken = try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions())
        let wait = receive("a")
        try await waiting(1)
        #expect(await backend.giveBack(taken) == 0)
        #expect(try await wait.value.map(\.id) == [receipt.id])
    }

    @Test("Several messages that come back go to who waits, the oldest to who came first")
    func giveBackSeveral() async throws {
        var sent: [MessageID] = []
        for text in ["1", "2", "3"] {
            sent.append(try await backend.send(message(text), to: ChannelName("a"), options: SendOptions()).id)
        }
        let taken = try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions(messagesMax: 3))
        var waits: [Task<[Delivery], any Error>] = []
        for count in 1...2 {
            waits.append(receive("a"))
            try await waiting(count)
        }
        #expect(await backend.giveBack(taken) == 0)
        for (wait, id) in zip(waits, sent) { #expect(try await wait.value.map(\.id) == [id]) }
        let left = try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions())
        #expect(left.map(\.id) == [sent[2]])
    }

    @Test("A message that comes back long after a purge that it had missed expires like any other")
    func giveBackLate() async throws {
        let long = SendOptions(expiry: .seconds(1000))
        for name in ["m!x", "m!y"] {
            _ = try await backend.send(message(name), to: ChannelName(name), options: long)
        }
        let taken = try await backend.receiveMany([ChannelName("m!x")], options: ReceiveOptions())
        try await backend.purge(ChannelName("m!x"))
        clock.advance(by: .seconds(90))
        #expect(await backend.giveBack(taken) == 0)
        clock.advance(by: .seconds(2000))
        let counts = try #require(try await backend.stats().counts)
        #expect(counts.sent == counts.expired + counts.purged)
        #expect(try await backend.stats().pending == 0)
    }

    @Test("A receiver with several names costs each name's list nothing once it has gone")
    func manyNames() async throws {
        let names = try (0..<1000).map { try ChannelName("n\($0)") }
        let wait = Task {
            try await backend.receiveManyBlocking(names, options: ReceiveOptions(), until: clock.now + .seconds(9))
        }
        try await waiting(1)
        #expect(try await backend.status(of: names[7]).waiting == 1)
        let receipt = try await backend.send(message("1"), to: names[999], options: SendOptions())
        #expect(try await wait.value.map(\.id) == [receipt.id])
        #expect(try await backend.status(of: names[7]).waiting == 0)
        clock.advance(by: .seconds(120))
        #expect(try await backend.stats().channels == 0)
        #expect(try await backend.stats().bytes == 0)
    }

    // MARK: -

    private func message(_ text: String) -> Message { Message(content: Array(text.utf8)) }

    private func receive(_ channel: String, for duration: Duration = .seconds(300)) -> Task<[Delivery], any Error> {
        Task { [backend, clock] in
            try await backend.receiveManyBlocking(
                [ChannelName(channel)], options: ReceiveOptions(), until: clock.now + duration)
        }
    }

    /// Returns once so many receivers wait.
    private func waiting(_ count: Int) async throws {
        while try await backend.stats().waiting != count { await Task.yield() }
    }
}

extension SendReceipt {
    fileprivate func expectPending(_ count: Int) { #expect(pending == count) }
}

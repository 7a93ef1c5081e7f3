import Channels
import ChannelsTesting
import Testing

@testable import ChannelsMemory
@testable import ChannelsReference

@Suite("The memory limit of a layer")
struct MemoryLimitTests {
    private let clock = ManualClock()

    @Test("What is stored stays: a member reads all group copies that it has room for, in order, at the limit too")
    func groupCopiesStay() async throws {
        let backend = makeBackend(memoryBytesMax: 100_000, capacity: 1_000)
        let group = try GroupName("g")
        for name in ["a", "b", "m!x", "m!y"] {
            try await backend.groupAdd(ChannelName(name), to: group, options: GroupAddOptions())
        }
        var accepted: [MessageID?] = []
        await #expect(throws: ChannelError.self) {
            while true {
                accepted.append(
                    try await backend.sendGroup(message(bytes: 50), to: group, options: GroupSendOptions()).id)
            }
        }
        #expect(accepted.count > 100)
        // One at a time, and several; of one's own, and of a mailbox with two copies of each.
        #expect(try await receiveAll("a", from: backend, atOnce: 1) == accepted)
        #expect(try await receiveAll("b", from: backend, atOnce: 7) == accepted)
        #expect(try await receiveAll("m!", from: backend, atOnce: 3) == accepted.flatMap { [$0, $0] })
        #expect(try await backend.stats().counts?.dropped == 0)
        let bytes = try #require(try await backend.stats().bytes)
        #expect(bytes <= 100_000)
    }

    @Test("A queue that has read on to the end at the limit, over several groups, leaves nothing in their logs")
    func severalGroups() async throws {
        let backend = makeBackend(memoryBytesMax: 20_000)
        for name in ["g", "h"] {
            try await backend.groupAdd(ChannelName("a"), to: GroupName(name), options: GroupAddOptions())
        }
        var accepted: [MessageID?] = []
        for name in ["g", "h"] {
            for _ in 0..<12 {
                let receipt = try? await backend.sendGroup(
                    message(bytes: 400), to: GroupName(name), options: GroupSendOptions())
                if let receipt { accepted.append(receipt.id) }
            }
        }
        await expectLayerFull {
            _ = try await backend.sendGroup(message(bytes: 10_000), to: GroupName("g"), options: GroupSendOptions())
        }
        #expect(try await receiveAll("a", from: backend, atOnce: 1) == accepted)
        clock.advance(by: .seconds(1))
        #expect(try #require(try await backend.stats().bytes) < 4_000)
    }

    @Test("At the limit a channel of a mailbox finds its copy, whatever waits in the others")
    func mailboxAtTheLimit() async throws {
        let backend = makeBackend(memoryBytesMax: 20_000)
        try await backend.groupAdd(ChannelName("m!x"), to: GroupName("g"), options: GroupAddOptions())
        for _ in 0..<3 {
            _ = try await backend.send(message(bytes: 1), to: ChannelName("m!y"), options: SendOptions())
        }
        let sent = try await backend.sendGroup(message(bytes: 1), to: GroupName("g"), options: GroupSendOptions())
        try await fill(backend)
        while let _ = try? await backend.send(message(bytes: 1), to: ChannelName("full0"), options: SendOptions()) {}
        let taken = try await backend.receiveMany([ChannelName("m!x")], options: ReceiveOptions())
        #expect(taken.map(\.id) == [sent.id])
    }

    @Test("Two flushes at once, while queues come and go, leave nothing behind")
    func twoFlushes() async throws {
        var settings = LayerSettings()
        settings.expiry = .seconds(1)
        var now = Instant(.now)
        let state = LayerState(settings: settings, epoch: 1, now: now, sliceBudget: Budget(50))
        for number in 0..<2_000 {
            _ = try state.send(message(bytes: 1), to: ChannelName("c\(number)"), expiry: nil, now: now)
        }
        let first = state.flush(now: now)
        for _ in 0..<5 { _ = state.flushSlice(first, now: now) }
        now += .seconds(90)
        for _ in 0..<2_000 { state.sweep(now: now) }
        let second = state.flush(now: now)
        while !state.flushSlice(first, now: now) {}
        while !state.flushSlice(second, now: now) {}
        now += .seconds(90)
        for _ in 0..<2_000 { state.sweep(now: now) }
        #expect(state.bytes == 0)
        #expect(state.queues.count == 0)
    }

    @Test("A purge wins over what is given back, also when as many purges as are remembered come between")
    func purgeAtTheBound() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        let channel = try ChannelName("m!0")
        try await backend.groupAdd(ChannelName("m!stays"), to: GroupName("g"), options: GroupAddOptions())
        try await backend.purge(channel)
        _ = try await backend.send(message(bytes: 1), to: channel, options: SendOptions())
        for number in 1..<1_000 { try await backend.purge(ChannelName("m!\(number)")) }
        let taken = try await backend.receiveMany([channel], options: ReceiveOptions())
        #expect(taken.count == 1)
        try await backend.purge(channel)
        #expect(await backend.giveBack(taken) == 0)
        #expect(try await backend.status(of: channel).pending == 0)
    }

    @Test("At the limit, what would need memory is refused, and what frees some is not")
    func refusals() async throws {
        let backend = makeBackend(memoryBytesMax: 20_000)
        try await fill(backend)
        await expectLayerFull {
            // They reach nobody, but each has a channel with counts.
            for number in 0..<100 {
                _ = try await backend.send(
                    message(bytes: 1), to: ChannelName("ghost\(number)"), options: SendOptions(expiry: .zero))
            }
        }
        let bytes = try await backend.stats().bytes
        await expectLayerFull { _ = try await backend.receiveManyBlocking(["nobody"], for: .seconds(9), clock) }
        await expectLayerFull {
            try await backend.groupAdd(ChannelName("new"), to: GroupName("new"), options: GroupAddOptions())
        }
        #expect(try await backend.stats().bytes == bytes)
        #expect(try await backend.receiveManyBlocking(["full0"], for: .seconds(9), clock).count == 1)
        try await backend.purge(ChannelName("full1"))
        clock.advance(by: .seconds(1))
        _ = try await backend.send(message(bytes: 1), to: ChannelName("new"), options: SendOptions())
    }

    @Test("A receiver with very many made-up names is refused before it takes the memory")
    func madeUpNames() async throws {
        let backend = makeBackend(memoryBytesMax: 100_000)
        let names = (0..<1_000).map { "n\($0)" }
        await expectLayerFull { _ = try await backend.receiveManyBlocking(names, for: .seconds(9), clock) }
        #expect(try await backend.stats().bytes == 0)
        #expect(try await backend.stats().channels == 0)
    }

    @Test("Purges of made-up channels of a mailbox are remembered up to a bound")
    func madeUpPurges() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        _ = try await backend.send(
            message(bytes: 1), to: ChannelName("m!x"), options: SendOptions(expiry: .seconds(5)))
        for number in 0..<3_000 { try await backend.purge(ChannelName("m!\(number)")) }
        #expect(try #require(try await backend.stats().channels) <= 1_001)
        clock.advance(by: .seconds(70))
        #expect(try await backend.stats().channels == 0)
        #expect(try await backend.stats().bytes == 0)
    }

    @Test("Members that are excluded and leave, again and again, leave nothing behind")
    func exclusions() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        let (group, guest) = (try GroupName("g"), try ChannelName("m!guest"))
        try await backend.groupAdd(ChannelName("stays"), to: group, options: GroupAddOptions())
        for _ in 0..<500 {
            try await backend.groupAdd(guest, to: group, options: GroupAddOptions())
            _ = try await backend.sendGroup(
                message(bytes: 1), to: group, options: GroupSendOptions(expiry: .seconds(5), excluded: [guest]))
            try await backend.groupDiscard(guest, from: group)
        }
        clock.advance(by: .seconds(6))
        let bytes = try #require(try await backend.stats().bytes)
        #expect(bytes < 10_000)
    }

    @Test("A flush frees everything before it returns, groups that were removed with copies unread included")
    func flush() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        for name in ["g", "h"] {
            let group = try GroupName(name)
            for member in 0..<50 {
                try await backend.groupAdd(ChannelName("c\(member)"), to: group, options: GroupAddOptions())
            }
            for _ in 0..<50 {
                _ = try await backend.sendGroup(message(bytes: 10_000), to: group, options: GroupSendOptions())
            }
        }
        try await backend.removeGroup(GroupName("h"))
        try await fill(backend, messagesCount: 20)
        try await backend.flush()
        // The queues' counts are kept for a minute.
        #expect(try #require(try await backend.stats().bytes) < 100_000)
        clock.advance(by: .seconds(61))
        #expect(try await backend.stats().bytes == 0)
    }

    @Test("A removed group goes when its last reader has read it, not when its messages expire")
    func removedGroup() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        let group = try GroupName("g")
        for name in ["a", "b"] { try await backend.groupAdd(ChannelName(name), to: group, options: GroupAddOptions()) }
        _ = try await backend.sendGroup(
            message(bytes: 10_000), to: group, options: GroupSendOptions(expiry: .seconds(100_000)))
        try await backend.removeGroup(group)
        #expect(try await receiveAll("a", from: backend, atOnce: 1).count == 1)
        clock.advance(by: .seconds(1))
        #expect(try #require(try await backend.stats().bytes) > 10_000)
        #expect(try await receiveAll("b", from: backend, atOnce: 1).count == 1)
        clock.advance(by: .seconds(70))
        #expect(try await backend.stats().bytes == 0)
    }

    @Test("However much is swept, one sweep is scheduled at most")
    func oneSweep() async throws {
        let backend = makeBackend(memoryBytesMax: 1 << 30)
        for round in 0..<50 {
            _ = try await backend.send(
                message(bytes: 1), to: ChannelName("c\(round)"),
                options: SendOptions(expiry: .milliseconds(5000 - 90 * round)))
            #expect(clock.scheduledCount == 1)
        }
        for _ in 0..<70 {
            clock.advance(by: .seconds(1))
            #expect(clock.scheduledCount <= 1)
        }
        #expect(try await backend.stats().channels == 0)
        #expect(clock.scheduledCount == 0)
    }

    // MARK: -

    private func makeBackend(memoryBytesMax: Int, capacity: Int = 100) -> MemoryBackend {
        var settings = LayerSettings()
        settings.memoryBytesMax = memoryBytesMax
        settings.capacity = capacity
        settings.expiry = .seconds(1_000)
        return MemoryBackend(settings: settings, clock: clock, epoch: 1)
    }

    private func message(bytes: Int) -> Message { Message(content: Array(repeating: 0x31, count: bytes)) }

    /// Sends to `full0`, `full1` and so on, until the layer is full or so many are sent.
    private func fill(_ backend: MemoryBackend, messagesCount: Int = .max) async throws {
        for number in 0..<messagesCount {
            do {
                _ = try await backend.send(
                    message(bytes: 500), to: ChannelName("full\(number)"), options: SendOptions())
            } catch let error as ChannelError where error.code == .layerFull {
                return
            }
        }
    }

    private func receiveAll(_ name: String, from backend: MemoryBackend, atOnce count: Int) async throws -> [MessageID?]
    {
        var ids: [MessageID?] = []
        while true {
            let taken = try await backend.receiveMany(
                [ChannelName(name)], options: ReceiveOptions(messagesMax: count))
            if taken.isEmpty { return ids }
            ids += taken.map(\.id)
        }
    }

    private func expectLayerFull(_ operation: () async throws -> Void) async {
        let error = await #expect(throws: ChannelError.self) { try await operation() }
        #expect(error?.code == .layerFull)
    }
}

extension MemoryBackend {
    fileprivate func receiveManyBlocking(
        _ names: [String], for duration: Duration, _ clock: ManualClock
    ) async throws -> [Delivery] {
        try await receiveManyBlocking(
            names.map { try ChannelName($0) }, options: ReceiveOptions(), until: clock.now + duration)
    }
}

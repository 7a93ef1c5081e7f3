import Channels
import Testing

@testable import ChannelsMemory
@testable import ChannelsReference

/// Lazy group logs against the eager reference: the same operations on both, on a clock moved by hand, every answer
/// compared.
@Suite("What anyone can observe equals an eager implementation")
struct ComparisonTests {
    /// 20 runs of 50,000 operations: a million. A failure names its seed.
    @Test("Random operations give the same answers", arguments: (1...20).map { UInt64($0) })
    func randomOperations(seed: UInt64) throws {
        var comparison = Comparison(seed: seed)
        for step in 0..<50_000 {
            let operation = comparison.perform()
            if let difference = comparison.difference {
                Issue.record("seed \(seed), step \(step), \(operation): \(difference)")
                return
            }
        }
        comparison.finish()
        #expect(comparison.difference == nil, "seed \(seed), at the end")
    }
}

/// One run: a layer, its reference, and a source of random operations.
private struct Comparison {
    var difference: String?

    private var random: SplitMix
    private let isShortOfBudget: Bool
    /// In some runs so many that mailboxes find their groups by tables.
    private let groups: [String]
    private let state: LayerState
    private var reference: EagerReference
    private let start: Instant
    private var now: Instant
    /// The instant as the reference has it.
    private var elapsed: Duration { now - start }
    private var waiters: [(lazy: Waiter, eager: EagerReference.Receiver)] = []
    private var taken: [(lazy: Delivery, eager: EagerReference.Copy, at: Instant)] = []

    private static let channels = ["a", "b", "c", "d", "m!", "m!x", "m!y", "m!z", "n!p", "n!q"]
    private static let fewGroups = ["g", "h", "i"]
    private static let manyGroups = (0..<16).map { "g\($0)" }

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        start = Instant(.now)
        now = start
        var settings = LayerSettings()
        settings.capacity = 3
        settings.channelCapacities = [
            .init(pattern: GlobPattern("m*"), capacity: 6), .init(pattern: GlobPattern("b"), capacity: 1),
        ]
        // Some runs with hardly any budget, so that everything goes in many slices.
        isShortOfBudget = seed.isMultiple(of: 3)
        groups = seed.isMultiple(of: 4) ? Self.manyGroups : Self.fewGroups
        let units = isShortOfBudget ? 3 : 4000
        state = LayerState(
            settings: settings, epoch: 1, now: now, operationBudget: Budget(units), sliceBudget: Budget(units))
        reference = EagerReference(settings: settings)
    }

    /// Does one operation on both sides; what differs is in `difference`.
    mutating func perform() -> String {
        if random.chance(1, in: 3) { moveClock() }
        let operation: String
        switch random.below(100) {
        case 0..<18: operation = send()
        case 18..<36: operation = sendGroup()
        case 36..<56: operation = receive()
        case 56..<64: operation = park()
        case 64..<67: operation = endWait()
        case 67..<79: operation = groupAdd()
        case 79..<84: operation = groupDiscard()
        case 84..<86: operation = removeGroup()
        case 86..<89: operation = purge()
        case 89..<90: operation = random.chance(1, in: 10) ? flush() : look()
        case 90..<95: operation = giveBack()
        default: operation = look()
        }
        state.wakeUps = []
        compareWaits(after: operation)
        return operation
    }

    /// Lets everything run out, and sees that nothing is left.
    mutating func finish() {
        for waiter in waiters { state.end(waiter.lazy, .ended, now: now) }
        now += .seconds(1_000_000)
        for _ in 0..<100_000 { state.sweep(now: now) }
        now += .seconds(1000)
        for _ in 0..<100_000 { state.sweep(now: now) }
        check(state.bytes, 0, "bytes at the end")
        check(state.queues.count, 0, "queues at the end")
        check(state.groups.count, 0, "groups at the end")
    }

    /// Steps and expiries are multiples of 20 ms, so that things often happen at the very instant of a deadline.
    private mutating func moveClock() {
        switch random.below(20) {
        case 0..<14: now += .milliseconds(20 * random.below(3))
        case 14..<19: now += .milliseconds(20 * random.below(75))
        default: now += .seconds(random.below(8))
        }
        if random.chance(1, in: 3) { state.sweep(now: now) }
        reference.move(to: elapsed)
    }

    // MARK: Operations

    private mutating func send() -> String {
        let (channel, size, expiry) = (anyChannel(), random.below(40), anyExpiry())
        let name = try! ChannelName(channel)
        let message = Message(content: Array(repeating: 0, count: size))
        var answer: EagerReference.SendAnswer
        do throws(ChannelError) {
            let options = SendOptions(expiry: expiry)
            let numbers = try repeating { state, now throws(ChannelError) in
                try state.send(message, to: name, options: options, now: now)
            }
            answer = .accepted(number: numbers.number, pending: numbers.pending)
        } catch {
            answer = .full(pending: error.actual ?? -1)
        }
        let expected = reference.send(size, to: channel, expiry: expiry, now: elapsed)
        check(answer, expected, "answer")
        return "send \(size) bytes to \(channel) for \(expiry)"
    }

    private mutating func sendGroup() -> String {
        let (group, size, expiry) = (anyGroup(), random.below(40), anyExpiry())
        let excluded = random.chance(1, in: 3) ? [anyChannel(), anyChannel()] : []
        let options = GroupSendOptions(expiry: expiry, excluded: excluded.map { try! ChannelName($0) })
        let answer = try! state.sendGroup(
            Message(content: Array(repeating: 0, count: size)), to: GroupName(group), options: options, now: now)
        let expected = reference.sendGroup(size, to: group, expiry: expiry, excluded: excluded, now: elapsed)
        check(answer.number, expected.number, "number")
        if isShortOfBudget, answer.members > expected.members {
            // Who lapsed just now may still be counted; it gets nothing.
            reference.groupCopies += answer.members - expected.members
        } else {
            check(answer.members, expected.members, "members")
        }
        return "sendGroup \(size) bytes to \(group) for \(expiry) without \(excluded)"
    }

    private mutating func receive() -> String {
        let (names, options) = anyReceive()
        let deliveries = repeating { state, now in
            state.receive(names.map { try! ChannelName($0) }, options: options, now: now)
        }
        let expected = reference.receive(
            names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
        compare(deliveries, expected)
        return "receive on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    private mutating func park() -> String {
        let (names, options) = anyReceive()
        let channels = names.map { try! ChannelName($0) }
        let deliveries = repeating { state, now in state.receive(channels, options: options, now: now) }
        let expected = reference.receive(
            names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
        compare(deliveries, expected)
        if deliveries.isEmpty, difference == nil {
            let waiter = Waiter(options)
            let receiver = EagerReference.Receiver(
                names: names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
            try! state.park(waiter, on: channels, now: now)
            reference.park(receiver)
            waiters.append((waiter, receiver))
        }
        return "wait on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    private mutating func endWait() -> String {
        guard !waiters.isEmpty else { return "no wait to end" }
        let (waiter, receiver) = waiters.remove(at: random.below(waiters.count))
        state.end(waiter, .ended, now: now)
        reference.end(receiver)
        return "end of a wait on \(receiver.names)"
    }

    private mutating func giveBack() -> String {
        guard !taken.isEmpty else { return "nothing to give back" }
        let returned = (0..<min(taken.count, 1 + random.below(3))).map { _ in
            taken.remove(at: random.below(taken.count))
        }
        repeating { state, now in state.giveBack(returned.map(\.lazy), now: now) }
        for copy in returned.map(\.eager) { reference.giveBack(copy, now: elapsed) }
        return "giveBack of " + returned.map { "\($0.eager.number) to \($0.eager.channel)" }.joined(separator: ", ")
    }

    private mutating func groupAdd() -> String {
        let (channel, group, expiry) = (anyChannel(), anyGroup(), anyExpiry() * (groups.count > 3 ? 30 : 3))
        repeating { state, now in
            try! state.groupAdd(ChannelName(channel), to: GroupName(group), expiry: expiry, now: now)
        }
        reference.groupAdd(channel, to: group, expiry: expiry, now: elapsed)
        return "groupAdd of \(channel) to \(group) for \(expiry)"
    }

    private mutating func groupDiscard() -> String {
        let (channel, group) = (anyChannel(), anyGroup())
        state.groupDiscard(try! ChannelName(channel), from: try! GroupName(group), now: now)
        reference.groups[group]?[channel] = nil
        return "groupDiscard of \(channel) from \(group)"
    }

    private mutating func removeGroup() -> String {
        let group = anyGroup()
        state.removeGroup(try! GroupName(group), now: now)
        reference.groups[group] = nil
        return "removal of \(group)"
    }

    private mutating func purge() -> String {
        let name = anyChannel()
        repeating { state, now in state.purge(try! ChannelName(name), now: now) }
        reference.purge(name)
        return "purge of \(name)"
    }

    private mutating func flush() -> String {
        let progress = state.flush(now: now)
        while !state.flushSlice(progress, now: now) {}
        reference.flush()
        return "flush"
    }

    private mutating func look() -> String {
        let (name, group) = (anyChannel(), anyGroup())
        let status = repeating { state, now in state.status(of: try! ChannelName(name), now: now) }
        check(status, reference.status(of: name, now: elapsed), "status")
        let limit = 1 + random.below(5)
        let after = random.chance(1, in: 2) ? try! ChannelName(anyChannel()) : nil
        let page = repeating { state, now in
            state.groupMembers(
                try! GroupName(group), options: GroupMembersOptions(after: after, limit: limit), now: now)
        }
        let members = (reference.groups[group] ?? [:]).keys.filter { $0 > (after?.rawValue ?? "") }.sorted()
        check(page.channels.map(\.rawValue), Array(members.prefix(limit)), "members")
        check(page.hasMore, members.count > limit, "more members")
        if random.chance(1, in: 10) { compareStats() }
        return "look at \(name) and \(group)"
    }

    // MARK: Comparing

    private mutating func compareStats() {
        for name in Self.channels {
            _ = repeating { state, now in state.status(of: try! ChannelName(name), now: now) }
        }
        for name in groups {
            _ = repeating { state, now in
                state.groupMembers(try! GroupName(name), options: GroupMembersOptions(), now: now)
            }
        }
        let stats = state.stats()
        check(stats.counts, reference.totals, "totals")
        check(stats.pending, reference.pending, "pending in all")
        check(stats.groupSends, reference.groupSends, "group sends")
        check(stats.groupCopies, reference.groupCopies, "group copies")
        check(stats.groups, reference.groups.values.count { !$0.isEmpty }, "groups")
        check(stats.waiting, reference.receivers.count, "waiting")
    }

    private mutating func compare(_ deliveries: [Delivery], _ copies: [EagerReference.Copy]) {
        let lazy = deliveries.map { "\($0.id.number) in \($0.channel) by \($0.group?.rawValue ?? "-")" }
        let eager = copies.map { "\($0.number) in \($0.channel) by \($0.group ?? "-")" }
        check(lazy, eager, "deliveries")
        guard lazy == eager else { return }
        for (lazy, eager) in zip(deliveries, copies) where random.chance(1, in: 3) { taken.append((lazy, eager, now)) }
    }

    /// After each operation, the same waits have ended on both sides, with the same deliveries.
    private mutating func compareWaits(after operation: String) {
        for (waiter, receiver) in waiters {
            check(waiter.outcome != nil, receiver.isOver, "end of the wait on \(receiver.names)")
            guard let outcome = waiter.outcome, difference == nil else { continue }
            guard case .delivered(let deliveries) = outcome else {
                check("\(outcome)", "delivered", "outcome")
                continue
            }
            compare(deliveries, receiver.taken)
        }
        waiters.removeAll { $0.eager.isOver }
        // A purge is remembered for a minute, so nothing is given back after half of one.
        if taken.count > 20 { taken.removeFirst(taken.count - 20) }
        taken.removeAll { $0.at + .seconds(30) < now }
    }

    private mutating func check<Value: Equatable>(_ lazy: Value, _ eager: Value, _ what: String) {
        guard lazy != eager, difference == nil else { return }
        difference = "\(what): \(lazy), expected \(eager)"
    }

    private func repeating<Value, Failure>(
        _ operation: (LayerState, Instant) throws(Failure) -> Attempt<Value>
    ) throws(Failure) -> Value {
        while true {
            if case .done(let value) = try operation(state, now) { return value }
        }
    }

    // MARK: Random arguments

    private mutating func anyChannel() -> String { Self.channels[random.below(Self.channels.count)] }
    private mutating func anyGroup() -> String { groups[random.below(groups.count)] }

    private mutating func anyExpiry() -> Duration {
        switch random.below(10) {
        case 0: .zero
        case 1..<5: .milliseconds(20 * (1 + random.below(5)))
        case 5..<8: .milliseconds(20 * (1 + random.below(150)))
        default: .seconds(1 + random.below(30))
        }
    }

    /// Names as the backend gets them: each once, and no channel of a mailbox that is named as well.
    private mutating func anyReceive() -> ([String], ReceiveOptions) {
        var names: [String] = []
        for _ in 0...random.below(3) {
            let name = anyChannel()
            if !names.contains(where: { EagerReference.matches($0, name) || EagerReference.matches(name, $0) }) {
                names.append(name)
            }
        }
        let messagesMax = random.chance(1, in: 2) ? 1 : 1 + random.below(8)
        return (names, ReceiveOptions(messagesMax: messagesMax, contentBytesMax: 20 + random.below(200)))
    }
}

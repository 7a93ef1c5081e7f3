import Channels
import ChannelsTesting
import Foundation
import GRDB
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// The file against the eager reference: the same operations on both, on a clock moved by hand, every answer compared.
@Suite("What anyone can observe of the file equals an eager implementation")
struct ComparisonTests {
    /// 8 runs of 4,000 operations, with seven restarts. A failure names its seed.
    @Test("Random operations give the same answers", arguments: (1...8).map { UInt64($0) })
    func randomOperations(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var settings = LayerSettings()
        settings.capacity = 3
        settings.channelCapacities = [
            .init(pattern: GlobPattern("m*"), capacity: 6), .init(pattern: GlobPattern("b"), capacity: 1),
        ]
        var comparison = Comparison(seed: seed, settings: settings)
        for part in 0..<8 {
            // Some runs with hardly any slice, so that everything takes several.
            var slice = Slice()
            if seed.isMultiple(of: 3) { (slice.rows, slice.bytes) = (3, 60) }
            let file = try OpenFile(
                path: folder.path("layer.db"), isFull: false, settings: settings, clock: ManualClock(), wall: { 1 },
                slice: slice, spanBits: seed.isMultiple(of: 2) ? 8 : 1)
            file.use { store in
                comparison.open(store)
                for step in 0..<500 {
                    let operation = comparison.perform()
                    if let difference = comparison.difference {
                        Issue.record("seed \(seed), part \(part), step \(step), \(operation): \(difference)")
                        return
                    }
                }
                if part == 7 { comparison.finish() }
                comparison.close()
            }
            file.close()
            #expect(comparison.difference == nil, "seed \(seed), at the end")
            if comparison.difference != nil { return }
        }
    }
}

/// Which operations are undone before they are done.
private final class EveryFifth {
    private var count = 0
    var isNext: Bool {
        count += 1
        return count.isMultiple(of: 5)
    }
}

/// One run: a layer, its reference, and a source of random operations.
private struct Comparison {
    var difference: String?

    private var random: SplitMix
    private let isShortOfBudget: Bool
    private var epochStart: Int64 = 0
    /// Where numbers began at each open, in the file and in the reference.
    private var numberStarts: [(file: Int64, reference: UInt64)] = []
    private let undone = EveryFifth()
    /// In some runs so many that mailboxes find their groups by tables.
    private let groups: [String]
    private var store: Store!
    private var reference: EagerReference
    /// What has passed since the beginning.
    private var now = Duration.zero
    private var waiters: [(lazy: Waiter, eager: EagerReference.Receiver)] = []
    private var taken: [(lazy: Delivery, eager: EagerReference.Copy, at: Duration)] = []

    private static let channels = ["a", "b", "c", "d", "m!", "m!x", "m!y", "m!z", "n!p", "n!q"]
    private static let fewGroups = ["g", "h", "i"]
    private static let manyGroups = (0..<16).map { "g\($0)" }

    init(seed: UInt64, settings: LayerSettings) {
        random = SplitMix(state: seed)
        isShortOfBudget = seed.isMultiple(of: 3)
        groups = seed.isMultiple(of: 4) ? Self.manyGroups : Self.fewGroups
        reference = EagerReference(settings: settings)
    }

    /// Goes on with a file that was opened, anew or again.
    mutating func open(_ store: Store) {
        self.store = store
        if epochStart == 0 { epochStart = store.now }
        numberStarts.append((store.layer.sequence, reference.sequence))
    }

    /// Ends what does not survive.
    mutating func close() {
        for (waiter, receiver) in waiters {
            _ = store.room.remove(waiter)
            reference.end(receiver)
        }
        waiters = []
        taken = []
        store = nil
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
        compareWaits(after: operation)
        return operation
    }

    /// Lets everything run out, and sees that nothing is left.
    mutating func finish() {
        for waiter in waiters { _ = store.room.remove(waiter.lazy) }
        for _ in 0..<3 {
            now += .seconds(1_000_000)
            while transaction({ try $0.sweep() }) == .more {}
        }
        check(store.layer.pending, 0, "pending at the end")
        for table in Self.tables {
            check(transaction { try Int.fetchOne($0.database, sql: "SELECT COUNT(*) FROM \(table)") }, 0, table)
        }
    }

    private static let tables = [
        "message", "copy", "queue", "entry", "membership", "subscription", "ending", "exclusion", "garbage", "grp",
        "span",
    ]

    /// Steps and expiries are multiples of 20 ms, so that things often happen at the very instant of a deadline.
    private mutating func moveClock() {
        switch random.below(20) {
        case 0..<14: now += .milliseconds(20 * random.below(3))
        case 14..<19: now += .milliseconds(20 * random.below(75))
        default: now += .seconds(random.below(8))
        }
        if random.chance(1, in: 3) { _ = transaction { try $0.sweep() } }
        reference.move(to: now)
    }

    // MARK: Operations

    private mutating func send() -> String {
        let (channel, size, expiry) = (anyChannel(), random.below(40), anyExpiry())
        let name = try! ChannelName(channel)
        let message = Message(content: Array(repeating: 0, count: size))
        let options = SendOptions(expiry: expiry)
        let answer: EagerReference.SendAnswer = transaction { store in
            do {
                let sent = try store.send(message, to: name, options: options)
                return .accepted(number: number(sent.number), pending: sent.pending)
            } catch let error as ChannelError {
                return .full(pending: error.actual ?? -1)
            }
        }
        let expected = reference.send(size, to: channel, expiry: expiry, now: now)
        check(answer, expected, "answer")
        return "send \(size) bytes to \(channel) for \(expiry)"
    }

    private mutating func sendGroup() -> String {
        let (group, size, expiry) = (anyGroup(), random.below(40), anyExpiry())
        let excluded = random.chance(1, in: 3) ? [anyChannel(), anyChannel()] : []
        let options = GroupSendOptions(expiry: expiry, excluded: excluded.map { try! ChannelName($0) })
        let answer = transaction { store in
            try store.sendGroup(
                Message(content: Array(repeating: 0, count: size)), to: GroupName(group), options: options)
        }
        let expected = reference.sendGroup(size, to: group, expiry: expiry, excluded: excluded, now: now)
        check(number(answer.number), expected.number, "number")
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
        let deliveries = transaction { store in
            try store.receive(names.map { try ChannelName($0) }, options: options)
        }
        let expected = reference.receive(
            names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
        compare(deliveries, expected)
        return "receive on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    private mutating func park() -> String {
        let (names, options) = anyReceive()
        let channels = names.map { try! ChannelName($0) }
        let waiter = Waiter(channels, options: options)
        let deliveries = transaction { store in try store.receive(for: waiter) }
        let expected = reference.receive(
            names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
        compare(deliveries ?? [], expected)
        if deliveries == nil, difference == nil {
            let receiver = EagerReference.Receiver(
                names: names, messagesMax: options.messagesMax, bytesMax: options.contentBytesMax)
            reference.park(receiver)
            waiters.append((waiter, receiver))
        }
        return "wait on \(names), \(options.messagesMax) messages, \(options.contentBytesMax) bytes"
    }

    private mutating func endWait() -> String {
        guard !waiters.isEmpty else { return "no wait to end" }
        let (waiter, receiver) = waiters.remove(at: random.below(waiters.count))
        _ = store.room.remove(waiter)
        reference.end(receiver)
        return "end of a wait on \(receiver.names)"
    }

    private mutating func giveBack() -> String {
        guard !taken.isEmpty else { return "nothing to give back" }
        let returned = (0..<min(taken.count, 1 + random.below(3))).map { _ in
            taken.remove(at: random.below(taken.count))
        }
        for delivery in returned.map(\.lazy) { transaction { store in try store.giveBack(delivery) } }
        for copy in returned.map(\.eager) { reference.giveBack(copy, now: now) }
        return "giveBack of " + returned.map { "\($0.eager.number) to \($0.eager.channel)" }.joined(separator: ", ")
    }

    private mutating func groupAdd() -> String {
        let (channel, group, expiry) = (anyChannel(), anyGroup(), anyExpiry() * (groups.count > 3 ? 30 : 3))
        transaction { store in try store.groupAdd(ChannelName(channel), to: GroupName(group), expiry: expiry) }
        reference.groupAdd(channel, to: group, expiry: expiry, now: now)
        return "groupAdd of \(channel) to \(group) for \(expiry)"
    }

    private mutating func groupDiscard() -> String {
        let (channel, group) = (anyChannel(), anyGroup())
        transaction { store in try store.groupDiscard(ChannelName(channel), from: GroupName(group)) }
        reference.groups[group]?[channel] = nil
        return "groupDiscard of \(channel) from \(group)"
    }

    private mutating func removeGroup() -> String {
        let group = anyGroup()
        transaction { store in try store.removeGroup(GroupName(group)) }
        reference.groups[group] = nil
        return "removal of \(group)"
    }

    private mutating func purge() -> String {
        let name = anyChannel()
        let last = store.layer.sequence
        transaction { store in try store.purge(ChannelName(name), through: last) }
        reference.purge(name)
        return "purge of \(name)"
    }

    private mutating func flush() -> String {
        let begin = epochStart + now.nanoseconds
        transaction { store in try store.flush(begin: begin) }
        reference.flush()
        return "flush"
    }

    private mutating func look() -> String {
        let (name, group) = (anyChannel(), anyGroup())
        let status = transaction { store in try store.status(of: ChannelName(name)) }
        check(status, reference.status(of: name, now: now), "status")
        let limit = 1 + random.below(5)
        let after = random.chance(1, in: 2) ? try! ChannelName(anyChannel()) : nil
        let page = transaction { store in
            try store.groupMembers(GroupName(group), options: GroupMembersOptions(after: after, limit: limit))
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
            _ = transaction { store in try store.status(of: ChannelName(name)) }
        }
        for name in groups {
            _ = transaction { store in try store.groupMembers(GroupName(name), options: GroupMembersOptions()) }
        }
        let stats = transaction { store in try store.stats() }
        check(stats.counts, reference.totals, "totals")
        check(stats.pending, reference.pending, "pending in all")
        check(stats.groupSends, reference.groupSends, "group sends")
        check(stats.groupCopies, reference.groupCopies, "group copies")
        check(stats.groups, reference.groups.values.count { !$0.isEmpty }, "groups")
        check(stats.waiting, reference.receivers.count, "waiting")
    }

    private mutating func compare(_ deliveries: [Delivery], _ copies: [EagerReference.Copy]) {
        let lazy = deliveries.map { "\(number(Int64($0.id.number))) in \($0.channel) by \($0.group?.rawValue ?? "-")" }
        let eager = copies.map { "\($0.number) in \($0.channel) by \($0.group ?? "-")" }
        check(lazy, eager, "deliveries")
        guard lazy == eager else { return }
        for (lazy, eager) in zip(deliveries, copies) where random.chance(1, in: 3) { taken.append((lazy, eager, now)) }
    }

    /// After each operation, the same waits have ended on both sides, with the same deliveries.
    private mutating func compareWaits(after operation: String) {
        for (waiter, receiver) in waiters {
            check(!waiter.isParked, receiver.isOver, "end of the wait on \(receiver.names)")
            guard !waiter.isParked, difference == nil else { continue }
            compare(waiter.deliveries, receiver.taken)
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

    /// Its number as the reference counts, which begins with 1.
    private func number(_ number: Int64) -> UInt64 {
        let start = numberStarts.last { $0.file < number }!
        return start.reference + UInt64(number - start.file)
    }

    /// One operation in a transaction of its own, repeated until all of it is done; sometimes undone first.
    private func transaction<Value>(_ operation: (Store) throws -> Value) -> Value {
        while true {
            do {
                store.move(to: FileInstant(time: epochStart + now.nanoseconds, wall: 1))
                if undone.isNext {
                    try store.begin()
                    _ = try? operation(store)
                    store.rollback()
                }
                try store.begin()
                let result = Result { try operation(store) }
                if case .failure(let error) = result, !(error is WorkRemains) { throw error }
                try store.commit()
                _ = store.room.takeEnded()
                if case .success(let value) = result { return value }
            } catch {
                fatalError("\(error)")
            }
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

import Channels

/// A run of random operations on a layer and on the eager reference, on a clock that both share: every answer, every
/// wait, every count must be the same.
struct Comparison<Layer: ComparedLayer> {
    /// What differed first: seed, step, operation, what the layer answered and what was expected.
    private(set) var failure: String?

    let layer: Layer
    let seed: UInt64
    var reference: EagerReference
    var arguments: RandomArguments
    /// What has passed since the beginning.
    private(set) var now = Duration.zero
    var waiters: [(wait: Layer.Wait, receiver: EagerReference.Receiver)] = []
    var taken: [(delivery: Delivery, copy: EagerReference.Copy, at: Duration)] = []
    private var stepCount = 0
    /// What differs in the operation in progress.
    private(set) var difference: String?

    /// - Parameter layer: an empty one, with the settings of ``RandomArguments``.
    init(of layer: Layer, seed: UInt64) {
        self.layer = layer
        self.seed = seed
        reference = EagerReference(settings: RandomArguments.settings)
        arguments = RandomArguments(seed: seed)
    }

    /// Does so many operations on both sides, up to the first where they differ.
    mutating func perform(_ count: Int) {
        for _ in 0..<count where failure == nil {
            stepCount += 1
            let operation = performOne()
            note("step \(stepCount), \(operation)")
        }
    }

    /// The process that has the layer ends: its waits are over, and nothing comes back that it has delivered.
    mutating func endProcess() {
        endWaits()
        taken = []
        note("end of a process")
    }

    /// Lets everything run out, and sees that it was counted and that nothing is left.
    mutating func finish() {
        endWaits()
        for round in 0..<3 {
            now += .seconds(1_000_000)
            layer.move(to: now)
            layer.sweepAll()
            reference.move(to: now)
            if round == 0 { compareStats() }
        }
        for (what, count) in layer.leftovers() { check(count, 0, "\(what) at the end") }
        note("at the end")
    }

    private mutating func performOne() -> String {
        if arguments.chance(1, in: 3) { moveClock() }
        let operation: String
        switch arguments.below(100) {
        case 0..<18: operation = send()
        case 18..<36: operation = sendGroup()
        case 36..<56: operation = receive()
        case 56..<64: operation = wait()
        case 64..<67: operation = endWait()
        case 67..<79: operation = groupAdd()
        case 79..<84: operation = groupDiscard()
        case 84..<86: operation = removeGroup()
        case 86..<89: operation = purge()
        case 89..<90: operation = arguments.chance(1, in: 10) ? flush() : look()
        case 90..<95: operation = giveBack()
        default: operation = look()
        }
        compareWaits()
        return operation
    }

    private mutating func moveClock() {
        now += arguments.step()
        layer.move(to: now)
        if arguments.chance(1, in: 3) { layer.sweep() }
        reference.move(to: now)
    }

    // MARK: Comparing

    mutating func check<Value: Equatable>(_ actual: Value, _ expected: Value, _ what: String) {
        guard actual != expected, difference == nil else { return }
        difference = "\(what): \(actual), expected \(expected)"
    }

    private mutating func note(_ place: String) {
        guard failure == nil, let difference else { return }
        failure = "seed \(seed), \(place): \(difference)"
    }

    mutating func compare(_ deliveries: [Delivery], _ copies: [EagerReference.Copy]) {
        let actual = deliveries.map {
            "\(layer.number(of: $0)) in \($0.channel) by \($0.group?.rawValue ?? "-"), \($0.message.content.count) bytes"
        }
        let expected = copies.map { "\($0.number) in \($0.channel) by \($0.group ?? "-"), \($0.size) bytes" }
        check(actual, expected, "deliveries")
        guard actual == expected else { return }
        for (delivery, copy) in zip(deliveries, copies) where arguments.chance(1, in: 3) {
            taken.append((delivery, copy, now))
        }
    }

    /// After each operation, the same waits have ended on both sides, with the same deliveries, and are told.
    private mutating func compareWaits() {
        let served = Set(layer.takeServed().map { ObjectIdentifier($0) })
        for (wait, receiver) in waiters {
            check(layer.isOver(wait), receiver.isOver, "end of the wait on \(receiver.names)")
            check(served.contains(ObjectIdentifier(wait)), receiver.isOver, "told of the wait on \(receiver.names)")
            if receiver.isOver, difference == nil { compare(layer.deliveries(of: wait), receiver.taken) }
        }
        waiters.removeAll { $0.receiver.isOver }
        // A purge is remembered for a minute, so nothing is given back after half of one.
        if taken.count > 20 { taken.removeFirst(taken.count - 20) }
        taken.removeAll { $0.at + .seconds(30) < now }
    }

    mutating func compareStats() {
        // What nobody has looked at has not been counted yet.
        for name in RandomArguments.channels { _ = layer.status(of: try! ChannelName(name)) }
        for name in arguments.groups {
            _ = layer.groupMembers(try! GroupName(name), options: GroupMembersOptions())
        }
        let stats = layer.stats()
        check(stats.counts, reference.totals, "totals")
        check(stats.pending, reference.pending, "pending in all")
        check(stats.groupSends, reference.groupSends, "group sends")
        check(stats.groupCopies, reference.groupCopies, "group copies")
        check(stats.groups, reference.groups.values.count { !$0.isEmpty }, "groups")
        check(stats.waiting, reference.receivers.count, "waiting")
    }
}

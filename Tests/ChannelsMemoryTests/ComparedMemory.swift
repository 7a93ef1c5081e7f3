import Channels

@testable import ChannelsMemory
@testable import ChannelsReference

/// A layer in memory, for its comparison with the reference: each operation is repeated until its budget suffices.
final class ComparedMemory: ComparedLayer {
    /// A budget that hardly suffices may not reach all who lapsed.
    let mayCountLapsed: Bool

    private let state: LayerState
    private let start = Instant(.now)
    private var now: Instant

    init(isShortOfBudget: Bool) {
        mayCountLapsed = isShortOfBudget
        now = start
        let budget = Budget(isShortOfBudget ? 3 : 4000)
        state = LayerState(
            settings: RandomArguments.settings, epoch: 1, now: now, operationBudget: budget, sliceBudget: budget)
    }

    private func repeating<Value, Failure>(
        _ operation: (LayerState, Instant) throws(Failure) -> Attempt<Value>
    ) throws(Failure) -> Value {
        while true {
            if case .done(let value) = try operation(state, now) { return value }
        }
    }

    // MARK: Time

    func move(to now: Duration) { self.now = start + now }

    func sweep() { state.sweep(now: now) }

    func sweepAll() {
        for _ in 0..<100_000 { state.sweep(now: now) }
    }

    // MARK: Messages

    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> (number: UInt64, pending: Int) {
        let sent = try repeating { state, now throws(ChannelError) in
            try state.send(message, to: channel, expiry: options.expiry, now: now)
        }
        return (sent.number, sent.pending)
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) -> (number: UInt64, members: Int) {
        try! state.sendGroup(message, to: group, options: options, now: now)
    }

    func receive(_ names: [ChannelName], options: ReceiveOptions) -> [Delivery] {
        repeating { state, now in state.receive(names, options: options, now: now) }
    }

    func giveBack(_ deliveries: [Delivery]) {
        repeating { state, now in state.giveBack(deliveries, now: now) }
    }

    func purge(_ channel: ChannelName) {
        repeating { state, now in state.purge(channel, now: now) }
    }

    func flush() {
        let progress = state.flush(now: now)
        while !state.flushSlice(progress, now: now) {}
    }

    func number(of delivery: Delivery) -> UInt64 { delivery.id.number }

    // MARK: Waits

    func receiveOrWait(_ names: [ChannelName], options: ReceiveOptions) -> (deliveries: [Delivery], wait: Waiter?) {
        let deliveries = receive(names, options: options)
        guard deliveries.isEmpty else { return (deliveries, nil) }
        let waiter = Waiter(options)
        try! state.park(waiter, on: names, now: now)
        return ([], waiter)
    }

    func end(_ wait: Waiter) { state.end(wait, .ended, now: now) }

    func isOver(_ wait: Waiter) -> Bool { wait.outcome != nil }

    func takeServed() -> [Waiter] {
        defer { state.wakeUps = [] }
        return state.wakeUps
    }

    func deliveries(of wait: Waiter) -> [Delivery] {
        guard case .delivered(let deliveries) = wait.outcome else { return [] }
        return deliveries
    }

    // MARK: Groups

    func groupAdd(_ channel: ChannelName, to group: GroupName, expiry: Duration) {
        repeating { state, now in try! state.groupAdd(channel, to: group, expiry: expiry, now: now) }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) {
        state.groupDiscard(channel, from: group, now: now)
    }

    func removeGroup(_ group: GroupName) { state.removeGroup(group, now: now) }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) -> GroupMembersPage {
        repeating { state, now in state.groupMembers(group, options: options, now: now) }
    }

    // MARK: Looking

    func status(of channel: ChannelName) -> ChannelStatus {
        repeating { state, now in state.status(of: channel, now: now) }
    }

    func stats() -> LayerStats { state.stats() }

    func leftovers() -> [(what: String, count: Int)] {
        [("bytes", state.bytes), ("queues", state.queues.count), ("groups", state.groups.count)]
    }
}

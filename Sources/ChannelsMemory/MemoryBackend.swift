public import Channels
import Synchronization

/// The backend in the server's own memory: the default, with nothing to install. What it holds goes with the process.
///
/// It does all fifteen points of the specification, never blocks, and gives back. One lock guards a layer, held for
/// microseconds; `LayerState` tells what happens under it. All operations may be called from any thread.
public final class MemoryBackend: ImmediateChannelBackend {
    public let traits = BackendTraits(givesBack: true, neverBlocks: true)

    private let state: Mutex<LayerState>
    private let clock: any ChannelClock
    private let settings: LayerSettings
    private let epoch: UInt64
    private let sweepPlan = Mutex(SweepPlan())

    /// The one sweep that is to come. One that was replaced while its time had come already finds its number gone.
    private struct SweepPlan {
        var number = 0
        var next: (at: Instant, action: any ScheduledAction)?
    }

    /// - Parameter epoch: the first half of every id; it must be greater than that of any earlier backend of this layer, as
    ///   milliseconds since 1970 are.
    public init(settings: LayerSettings = LayerSettings(), clock: any ChannelClock, epoch: UInt64) {
        self.settings = settings
        self.clock = clock
        self.epoch = epoch
        state = Mutex(LayerState(settings: settings, epoch: epoch, now: Instant(clock.now)))
    }

    // MARK: Sending

    public func send(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) async throws -> SendReceipt {
        try await repeated { () throws(ChannelError) in try sendAtOnce(message, to: channel, options: options) }
    }

    public func sendAtOnce(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> SendReceipt? {
        // Taken out here: the options have a name in them, which costs retains on the way of each send.
        let expiry = options.expiry
        let attempt = try hold { state, now throws(ChannelError) in
            try state.send(message, to: channel, expiry: expiry, now: now)
        }
        guard case .done(let numbers) = attempt else { return nil }
        return SendReceipt(
            id: MessageID(epoch: epoch, number: numbers.number), pending: numbers.pending, capacity: numbers.capacity)
    }

    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try sendGroupNow(message, to: group, options: options)
    }

    public func sendGroupAtOnce(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) throws(ChannelError) -> GroupSendReceipt? {
        try sendGroupNow(message, to: group, options: options)
    }

    private func sendGroupNow(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) throws(ChannelError) -> GroupSendReceipt {
        let (number, members) = try hold { state, now throws(ChannelError) in
            try state.sendGroup(message, to: group, options: options, now: now)
        }
        return GroupSendReceipt(id: MessageID(epoch: epoch, number: number), members: members)
    }

    // MARK: Receiving

    public func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let names = ChannelName.distinct(channels)
        return await attempt { state, now in state.receive(names, options: options, now: now) }
    }

    public func receiveManyAtOnce(_ channels: [ChannelName], options: ReceiveOptions) -> [Delivery]? {
        let names = ChannelName.distinct(channels)
        guard case .done(let deliveries) = hold({ state, now in state.receive(names, options: options, now: now) })
        else { return nil }
        return deliveries
    }

    public func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try Task.checkCancellation()
        guard deadline > clock.now else { return try await receiveMany(channels, options: options) }
        let receiver = SuspendedReceiver()
        while true {
            switch try receiveManyAtOnce(channels, options: options, orWait: receiver) {
            case .deliveries(let deliveries): return deliveries
            case .waits(let wait): return try await receiver.deliveries(of: wait, until: deadline, on: clock)
            case nil:
                await Task.yield()
                try Task.checkCancellation()
                if deadline <= clock.now { return try await receiveMany(channels, options: options) }
            }
        }
    }

    /// A receiver in wait costs an object, and a link for each name; no thread, no lock, no task. It holds the backend, until
    /// its wait has ended.
    public func receiveManyAtOnce(
        _ channels: [ChannelName], options: ReceiveOptions, orWait receiver: any WaitingReceiver
    ) throws(ChannelError) -> BlockingReceive? {
        let names = ChannelName.distinct(channels)
        // Looking and parking are one hold of the lock.
        return try hold { state, now throws(ChannelError) in
            guard case .done(let deliveries) = state.receive(names, options: options, now: now) else { return nil }
            guard deliveries.isEmpty else { return .deliveries(deliveries) }
            let waiter = Waiter(options, receiver: receiver, backend: self)
            try state.park(waiter, on: names, now: now)
            return .waits(waiter)
        }
    }

    func end(_ waiter: Waiter) {
        hold { state, now in state.end(waiter, .ended, now: now) }
    }

    public func giveBack(_ deliveries: [Delivery]) async -> Int {
        await attempt { state, now in state.giveBack(deliveries, now: now) }
        return 0
    }

    // MARK: Groups

    public func groupAdd(
        _ channel: ChannelName, to group: GroupName, options: GroupAddOptions
    ) async throws {
        let expiry = options.expiry ?? settings.groupExpiry
        try await attempt { state, now throws(ChannelError) in
            try state.groupAdd(channel, to: group, expiry: expiry, now: now)
        }
    }

    public func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        hold { state, now in state.groupDiscard(channel, from: group, now: now) }
    }

    public func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        await attempt { state, now in state.groupMembers(group, options: options, now: now) }
    }

    public func removeGroup(_ group: GroupName) async throws {
        hold { state, now in state.removeGroup(group, now: now) }
    }

    // MARK: Looking and dropping

    public func purge(_ channel: ChannelName) async throws {
        await attempt { state, now in state.purge(channel, now: now) }
    }

    /// Everything is gone at once; its memory is free when this returns.
    public func flush() async throws {
        let progress = hold { state, now in state.flush(now: now) }
        await attempt { state, now in state.flushSlice(progress, now: now) ? .done(()) : .again }
    }

    public func status(of channel: ChannelName) async throws -> ChannelStatus {
        await attempt { state, now in state.status(of: channel, now: now) }
    }

    public func stats() async throws -> LayerStats {
        hold { state, _ in state.stats() }
    }

    // MARK: The lock

    /// Repeats an operation until its budget suffices; in between, others get the lock, and this thread its other tasks.
    private func attempt<Value: Sendable, Failure>(
        _ operation: (LayerState, Instant) throws(Failure) -> Attempt<Value>
    ) async throws(Failure) -> Value {
        while true {
            if case .done(let value) = try hold(operation) { return value }
            await Task.yield()
        }
    }

    /// The same for an operation that says nil where it needs another try.
    private func repeated<Value: Sendable, Failure>(
        _ operation: () throws(Failure) -> Value?
    ) async throws(Failure) -> Value {
        while true {
            if let value = try operation() { return value }
            await Task.yield()
        }
    }

    /// Runs an operation under the lock; afterwards tells those whose wait it ended, and schedules the next sweep.
    private func hold<Value: Sendable, Failure>(
        _ operation: (LayerState, Instant) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let (result, leftovers, sweepAt) = state.withLock { state in
            // Read under the lock, so that instants grow with the numbers of messages.
            let now = Instant(clock.now)
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try operation(state, now))
            } catch {
                result = .failure(error)
            }
            return (result, state.takeLeftovers(), state.sweepToSchedule(now: now))
        }
        if let leftovers {
            for waiter in leftovers.wakeUps { waiter.tellReceiver() }
        }
        if let sweepAt { scheduleSweep(at: sweepAt) }
        return try result.get()
    }

    /// At the earliest in a moment: between two slices there is time for everyone else.
    private func scheduleSweep(at due: Instant) {
        let instant = max(due, Instant(clock.now) + Self.sliceDistance)
        sweepPlan.withLock { plan in
            if let next = plan.next, next.at <= instant { return }
            plan.next?.action.cancel()
            plan.number += 1
            let number = plan.number
            plan.next = (instant, clock.schedule(at: instant.onClock) { [weak self] in self?.sweep(number) })
        }
    }

    private func sweep(_ number: Int) {
        let isPlanned = sweepPlan.withLock { plan in
            guard plan.number == number else { return false }
            plan.next = nil
            return true
        }
        guard isPlanned else { return }
        // The further it is behind, the more slices in a row, so that it keeps up with whatever is sent; as many as make a
        // millisecond at most.
        var slicesLeft = 1
        for slice in 0..<Self.slicesInVisitMax where slice < slicesLeft {
            let lag = hold { state, now in
                state.scheduledSweep = nil
                state.sweep(now: now)
                return state.sweepLag(now: now)
            }
            slicesLeft = 1 + Int(lag / Self.lagOfSlice)
        }
    }

    private static let sliceDistance = Instant.Span(.microseconds(50))
    private static let slicesInVisitMax = 16
    /// For so much of it, one slice more.
    private static let lagOfSlice = Duration.milliseconds(250)
}

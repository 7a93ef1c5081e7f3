import Synchronization

/// Lets receivers wait on a backend that cannot: one poller asks it on behalf of all of them.
///
/// ## How it works
/// Receivers stand in a line, in the order in which they came. While there are any, one task asks the backend for one message
/// at a time in the union of their channels, and gives it to the first of the line who wants it. It asks when it is rung, by
/// what this server puts into the store, for those channels alone; for who has just come; and, every 5 to 250 ms, for all
/// channels, since other processes may put something there as well.
///
/// What a call has taken needs somebody to go to. So a wait for a channel that is being asked for does not end before that
/// call has returned, whether its time is up or it is cancelled; then it ends with the message or without, never with both.
/// Therefore an answer may be late by as long as the store takes, but no later than two seconds: a wait that is held up longer
/// ends as `outcomeUnknown`, or cancelled. What such a call takes in the end goes to who waits for it then; else back; else it
/// is lost.
///
/// A store that fails is asked on, as after a moment all may be well: a wait ends with the error once everything that asked
/// for its channels has failed for five seconds, or its time is up; and at most a thousand of them at a time, those that came
/// first, so that not everybody comes back in one instant.
final class Poller: Sendable {
    /// How long a wait outlives a store that fails.
    static let failureMax = Duration.seconds(5)
    /// How long a wait outlives its time limit, or its cancellation, and how long it asks for more than it has, where a call
    /// does not return.
    static let overtimeMax = Duration.seconds(2)
    /// Waits that end with an error after one call at most.
    static let failedAtOnceMax = 1000
    /// How long the poller leaves the store alone at most while a group send is under way, so that a receiver who wants
    /// several messages gets all copies; and not again before it has asked for everything.
    static let groupSendHoldMax = Duration.milliseconds(250)

    private let backend: any ChannelBackend
    private let clock: any ChannelClock
    private let state: Mutex<PollState>

    init(backend: any ChannelBackend, clock: any ChannelClock) {
        self.backend = backend
        self.clock = clock
        state = Mutex(PollState(now: clock.now))
    }

    // MARK: Waiting

    /// As ``WaitingChannelBackend/receiveManyBlocking(_:options:until:)``; it ends ``overtimeMax`` after its time limit, or its
    /// cancellation, at the latest.
    ///
    /// - Throws: `layerFull` (503) where too much is waited for; `outcomeUnknown` (503) where a call that does not return held
    ///   it up beyond its time limit: that call may have taken a message, which then goes to another receiver; what the store
    ///   throws, where it fails for long.
    func wait(
        for channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        var seen: Set<ChannelName> = []
        let distinct = channels.filter { seen.insert($0).inserted }
        let number = Mutex<Int?>(nil)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    let wait = WaitingLine.Wait(
                        channels: distinct, options: options, began: clock.now, continuation: continuation)
                    let own = try begin(wait)
                    number.withLock { $0 = own }
                    let timeLimit = clock.schedule(at: deadline) { self.end(own, .timeLimit) }
                    let isOver = state.withLock { state in
                        state.line[own]?.timeLimit = timeLimit
                        return state.line[own] == nil
                    }
                    if isOver { timeLimit.cancel() }
                    // It may have been cancelled before it had its number.
                    if Task.isCancelled { end(own, .cancellation) }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            if let own = number.withLock({ $0 }) { end(own, .cancellation) }
        }
    }

    /// What the time is on the layer's clock.
    var now: ContinuousClock.Instant { clock.now }

    /// How many wait.
    var waitingCount: Int { state.withLock(\.line.count) }

    /// How many messages were taken for waits that had ended, and could go to nobody else, nor be given back.
    var lostCount: Int { state.withLock(\.lostCount) }

    /// How many wait for what is sent to `channel`.
    func waitingCount(for channel: ChannelName) -> Int { state.withLock { $0.line.waits(for: channel).count } }

    /// Nothing is asked for, and nothing will be before time passes or something rings.
    var isAsleep: Bool { state.withLock { $0.sleeper != nil } }

    private func begin(_ wait: WaitingLine.Wait) throws -> Int {
        let (number, sleeper) = try state.withLock { state in
            if state.isShutDown { throw CancellationError() }
            let number = try state.line.add(wait)
            state.plan.add(newcomer: number)
            if state.task == nil { state.task = Task { await self.poll() } }
            return (number, state.sleeper.take())
        }
        sleeper?.resume()
        return number
    }

    private func end(_ number: Int, _ end: WaitingLine.End) {
        typealias Outcome = (PollState.Ended?, CheckedContinuation<Void, Never>?, isHeldUp: Bool)
        let (finished, sleeper, isHeldUp): Outcome = state.withLock { state in
            guard let wait = state.line[number] else { return (nil, nil, false) }
            let isAskedFor = !state.inFlight.isDisjoint(with: wait.channels)
            guard !isAskedFor, end == .cancellation || wait.hasLooked else {
                if wait.end != .cancellation { state.line[number]?.end = end }
                state.ending.insert(number)
                return (nil, nil, wait.end == nil)
            }
            return (state.finish(number, as: end), state.line.count == 0 ? state.sleeper.take() : nil, false)
        }
        finished?.resume()
        sleeper?.resume()
        if isHeldUp { boundOvertime(of: number) }
    }

    /// Sees to it that a wait that is to end does, whatever holds it up.
    private func boundOvertime(of number: Int) {
        let overtime = clock.schedule(at: clock.now + Self.overtimeMax) {
            self.state.withLock { $0.giveUp(number) }?.resume()
        }
        let isOver = state.withLock { state in
            state.line[number]?.overtime = overtime
            return state.line[number] == nil
        }
        if isOver { overtime.cancel() }
    }

    // MARK: Rings

    /// Something may have come to `channel`.
    func ring(_ channel: ChannelName) { ring([channel]) }

    func ring(_ channels: [ChannelName]) {
        wakeUp { state in
            var isWaitedFor = false
            for channel in channels {
                for name in [channel, channel.mailbox ?? channel] where state.line.isWaitedFor(name) {
                    state.plan.ring(name)
                    isWaitedFor = true
                }
            }
            return isWaitedFor
        }
    }

    func groupSendBegins() {
        let now = clock.now
        state.withLock { $0.groupSendBegins(now: now) }
    }

    func groupSendEnded() {
        let now = clock.now
        wakeUp { state in
            state.groupSendEnded(now: now)
            return true
        }
    }

    private func wakeUp(_ change: (inout PollState) -> Bool) {
        state.withLock { change(&$0) ? $0.sleeper.take() : nil }?.resume()
    }

    /// Ends all waits, within two seconds, and returns when the last call has.
    func shutdown() async {
        let (finished, sleeper, task) = state.withLock { state in
            state.isShutDown = true
            var finished: [PollState.Ended] = []
            for number in state.line.numbers {
                if state.inFlight.isEmpty {
                    finished += state.finish(number, as: .cancellation).map { [$0] } ?? []
                } else {
                    state.line[number]?.end = .cancellation
                    state.ending.insert(number)
                }
            }
            return (finished, state.sleeper.take(), state.task)
        }
        for end in finished { end.resume() }
        sleeper?.resume()
        let overtime = clock.schedule(at: clock.now + Self.overtimeMax) {
            let finished = self.state.withLock { state in state.line.numbers.compactMap { state.giveUp($0) } }
            for end in finished { end.resume() }
        }
        await task?.value
        overtime.cancel()
    }

    // MARK: The one task

    private enum Step {
        case look(PollPlan.Look)
        case sleep(until: ContinuousClock.Instant)
        case end
    }

    private func poll() async {
        while true {
            switch nextStep() {
            case .look(let look): await ask(look)
            case .sleep(let instant): await sleep(until: instant)
            case .end: return
            }
        }
    }

    private func nextStep() -> Step {
        let now = clock.now
        return state.withLock { state in
            guard state.line.count > 0 else {
                state.task = nil
                return .end
            }
            if let end = state.hold(now: now) { return .sleep(until: end) }
            switch state.plan.nextStep(for: state.line, now: now) {
            case .sleep(let instant): return .sleep(until: instant)
            case .look(let look):
                state.inFlight = Set(look.names)
                return .look(look)
            }
        }
    }

    /// Sleeps until that instant, or until it is rung.
    private func sleep(until instant: ContinuousClock.Instant) async {
        let alarm = clock.schedule(at: instant) { self.wakeUp { _ in true } }
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                // What happened since the step was chosen has rung nobody.
                let isOver = state.line.count == 0
                let now = clock.now
                if isOver || now >= instant || (state.plan.isRung && state.hold(now: now) == nil) { return true }
                state.sleeper = continuation
                return false
            }
            if isDue { continuation.resume() }
        }
        alarm.cancel()
    }

    private func ask(_ look: PollPlan.Look) async {
        let answer: PollState.Answer
        do {
            let deliveries = try await backend.receiveMany(look.names, options: ReceiveOptions())
            answer = state.withLock { $0.returned(look, deliveries) }
        } catch {
            let now = clock.now
            answer = state.withLock { $0.failed(look, error, at: now) }
        }
        await act(on: answer)
    }

    private func act(on answer: PollState.Answer) async {
        for end in answer.ended { end.resume() }
        for claim in answer.claims { await serve(claim) }
        guard !answer.strangers.isEmpty else { return }
        if backend.traits.givesBack {
            _ = await backend.giveBack(answer.strangers)
        } else {
            state.withLock { $0.lostCount += answer.strangers.count }
        }
    }

    /// Gives a receiver its message, and what else it wants of what is there.
    private func serve(_ claim: PollState.Claim) async {
        var deliveries = [claim.first]
        let options = claim.wait.options
        let bytesLeft = options.contentBytesMax - claim.first.message.content.count
        if options.messagesMax > 1, bytesLeft > 0, !claim.ownNames.isEmpty {
            let rest = ReceiveOptions(messagesMax: options.messagesMax - 1, contentBytesMax: bytesLeft)
            state.withLock { $0.beginServing(claim) }
            let overtime = clock.schedule(at: clock.now + Self.overtimeMax) {
                let claim = self.state.withLock { $0.endServing() }
                if let claim { PollState.Ended(wait: claim.wait, result: .success([claim.first])).resume() }
            }
            // Where it fails, the first one has come all the same.
            let more = (try? await backend.receiveMany(claim.ownNames, options: rest)) ?? []
            overtime.cancel()
            guard state.withLock({ $0.endServing() }) != nil else {
                return await act(on: state.withLock { $0.late(more) })
            }
            deliveries += await withinLimit(more, bytesLeft: bytesLeft)
        }
        PollState.Ended(wait: claim.wait, result: .success(deliveries)).resume()
    }

    /// The first message of a call always fits, so that this one may bring one too many. Where nothing can go back, it stays.
    private func withinLimit(_ deliveries: [Delivery], bytesLeft: Int) async -> [Delivery] {
        guard let first = deliveries.first, first.message.content.count > bytesLeft, backend.traits.givesBack else {
            return deliveries
        }
        _ = await backend.giveBack(deliveries)
        return []
    }
}

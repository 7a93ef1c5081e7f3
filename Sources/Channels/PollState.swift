/// Who waits, what is asked for on their behalf, and what becomes of the answers. Makes no call; see ``Poller``, whose lock
/// guards it.
struct PollState {
    var line = WaitingLine()
    var plan: PollPlan
    /// The names of the call that is under way.
    var inFlight: Set<ChannelName> = []
    /// Waits that end when that call has returned.
    var ending: Set<Int> = []
    /// Whose message is there, while more is asked for.
    private var served: Claim?
    /// Taken for a wait that had ended, with nobody else to go to.
    var lostCount = 0
    private var groupSends = 0
    private var heldUntil: ContinuousClock.Instant
    /// Looks for everything that must have ended before the store is left alone again.
    private var sweepsBeforeHold = 0
    var sleeper: CheckedContinuation<Void, Never>?
    var task: Task<Void, Never>?
    var isShutDown = false

    init(now: ContinuousClock.Instant) {
        plan = PollPlan(now: now)
        heldUntil = now
    }

    /// A wait that is over, to be told so outside of the lock.
    struct Ended {
        let wait: WaitingLine.Wait
        let result: Result<[Delivery], any Error>

        func resume() {
            wait.timeLimit?.cancel()
            wait.overtime?.cancel()
            wait.continuation.resume(with: result)
        }
    }

    /// A receiver who gets a message, and is in the line no longer.
    struct Claim {
        let wait: WaitingLine.Wait
        let first: Delivery
        /// Those of its channels of which nobody else waits for anything; empty where it wants one message.
        let ownNames: [ChannelName]
    }

    /// What an answer of the store comes to.
    struct Answer {
        var ended: [Ended] = []
        var claims: [Claim] = []
        /// What nobody had asked for.
        var strangers: [Delivery] = []
    }

    // MARK: Group sends

    mutating func groupSendBegins(now: ContinuousClock.Instant) {
        groupSends += 1
        // One after the other, they would keep the store from being asked for anybody.
        guard groupSends == 1, line.wantsSeveral, plan.sweepsEnded >= sweepsBeforeHold else { return }
        heldUntil = now + Poller.groupSendHoldMax
        sweepsBeforeHold = plan.sweepsBegun + 1
    }

    mutating func groupSendEnded(now: ContinuousClock.Instant) {
        groupSends -= 1
        if groupSends == 0 { heldUntil = now }
        plan.ringAll()
    }

    /// Until when the store is left alone; nil where it is not.
    func hold(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        groupSends > 0 && now < heldUntil && line.wantsSeveral ? heldUntil : nil
    }

    // MARK: What comes of it

    mutating func finish(_ number: Int, as end: WaitingLine.End) -> Ended? {
        let failure = end == .timeLimit ? line.failure(of: number) : nil
        guard let wait = remove(number) else { return nil }
        let result: Result<[Delivery], any Error>
        switch (end, failure) {
        case (.cancellation, _): result = .failure(CancellationError())
        // Nobody knows whether there was anything.
        case (.timeLimit, let failure?): result = .failure(failure)
        case (.timeLimit, nil): result = .success([])
        }
        return Ended(wait: wait, result: result)
    }

    mutating func returned(_ look: PollPlan.Look, _ deliveries: [Delivery]) -> Answer {
        var answer = Answer()
        line.succeeded(look.names)
        assign(deliveries, to: &answer)
        // Even where the message was somebody else's: to ask until there is none could take for ever.
        for number in look.newcomers { line[number]?.hasLooked = true }
        plan.returned(look, hasFound: !deliveries.isEmpty, line: line)
        answer.ended = endThoseThatMay()
        return answer
    }

    private mutating func assign(_ deliveries: [Delivery], to answer: inout Answer) {
        for delivery in deliveries {
            guard let number = line.receiver(of: delivery.channel), let wait = remove(number) else {
                answer.strangers.append(delivery)
                continue
            }
            let ownNames = wait.options.messagesMax > 1 ? wait.channels.filter { !line.isShared($0) } : []
            answer.claims.append(Claim(wait: wait, first: delivery, ownNames: ownNames))
        }
    }

    mutating func failed(
        _ look: PollPlan.Look, _ error: any Error, at now: ContinuousClock.Instant
    ) -> Answer {
        var answer = Answer()
        plan.returned(look, hasFound: false, line: line)
        line.failed(look.names, error, at: now)
        for number in look.newcomers { line[number]?.hasLooked = true }
        let failing = line.failing(on: look.names, since: now - Poller.failureMax, max: Poller.failedAtOnceMax)
        answer.ended = failing.compactMap { finish($0, as: .timeLimit) }
        answer.ended += endThoseThatMay()
        return answer
    }

    /// Ends a wait that is to end, whatever is under way.
    mutating func giveUp(_ number: Int) -> Ended? {
        guard let end = line[number]?.end else { return nil }
        guard end == .timeLimit, line.failure(of: number) == nil else { return finish(number, as: end) }
        let error = ChannelError(
            .outcomeUnknown,
            "The layer's backend has not answered: a message may have been taken, and goes to another receiver.")
        return remove(number).map { Ended(wait: $0, result: .failure(error)) }
    }

    // MARK: More for one receiver

    mutating func beginServing(_ claim: Claim) { served = claim }

    /// The claim that is being served, once: for who ends it.
    mutating func endServing() -> Claim? { served.take() }

    /// Who gets what came too late for whom it was asked for.
    mutating func late(_ deliveries: [Delivery]) -> Answer {
        var answer = Answer()
        assign(deliveries, to: &answer)
        return answer
    }

    /// Takes a wait out of the line.
    private mutating func remove(_ number: Int) -> WaitingLine.Wait? {
        guard let wait = line.remove(number) else { return nil }
        ending.remove(number)
        return wait
    }

    /// The call is over that held them up. Whose first look it was not yet stays for that.
    private mutating func endThoseThatMay() -> [Ended] {
        inFlight = []
        var ended: [Ended] = []
        for number in ending {
            guard let wait = line[number], let end = wait.end, end == .cancellation || wait.hasLooked else { continue }
            ended += finish(number, as: end).map { [$0] } ?? []
        }
        return ended
    }
}

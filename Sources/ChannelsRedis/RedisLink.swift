import Reactor

/// Keeps one connection to one server, wherever that is, for as long as it is not closed: connects, authenticates, runs commands in their order,
/// and connects again when that fails. Loop only.
///
/// Once started it lives until it is closed.
///
/// ## How it works
/// Commands wait here until a byte of them is written; then they are the connection's (`RedisConnection`), and end with it. So
/// what waits survives the connection, what was begun does not, and nothing is ever written twice. All commands that are run in
/// one turn of the loop leave in one write, in the next.
///
/// Their deadlines share one timer, set for the earliest: it goes off, all are looked at, and it is set for the earliest of
/// those that are left. Answers do not touch it. So where all is well it goes off once in a time limit, not once a command.
// SAFETY: everything belongs to the loop.
final class RedisLink: @unchecked Sendable {
    typealias Completion = (Result<RedisReply, RedisFailure>) -> Void

    struct Events {
        /// A connection has begun: its prelude was answered without an error. Each time.
        var onReady: (_ server: String) -> Void
        /// A connection has ended, or could not be made, with the reason. Each time.
        var onLost: (_ reason: String) -> Void
        /// Something was published.
        var onMessage: (_ channel: [UInt8], _ payload: [UInt8]) -> Void
    }

    struct Limits {
        /// For the connection to be made, and its beginning to be answered.
        var greetingTime = Duration.milliseconds(1500)
        /// Before the first attempt after a failure; each failure in a row doubles it.
        var delayMin = Duration.milliseconds(50)
        var delayMax = Duration.seconds(2)
        /// Between two moves that are made at once.
        var moveInterval = Duration.milliseconds(100)
        /// Commands that wait or have no answer yet.
        var commandsMax = 65_536
        /// Of their content.
        var contentBytesMax = 256 << 20
        /// A subscriber that hears nothing for so long asks.
        var silenceTime = Duration.seconds(10)
        /// And is to hear something within this.
        var signOfLifeTime = Duration.milliseconds(1500)
    }

    /// Between two looks at all deadlines.
    private static let expiryTimeMin = Duration.milliseconds(10)

    let locator: any RedisLocator
    let loop: EventLoop
    let limits: Limits
    let greeting: Greeting
    let events: Events

    private var waiting = Queue<WaitingCommand>()
    /// Of what waits and what was begun.
    private var commandCount = 0
    private var contentBytes = 0
    /// Told in the next turn, as nothing is told within `run`.
    private var refused: [(completion: Completion, failure: RedisFailure)] = []
    private var isTurnComing = false
    /// In the next turn, before what waits is written.
    private var beforeWrite: [() -> Void] = []
    /// No deadline is before this.
    private var deadlineBound: ContinuousClock.Instant?
    private var deadlineTimer: Deadline?
    private var expiredAt: ContinuousClock.Instant?

    // Of `RedisLink+Connecting.swift`.
    /// Where the server is, or was when it was last looked for.
    var endpoint: RedisEndpoint?
    /// When it was last said to be elsewhere, and where.
    var movedAt: ContinuousClock.Instant?
    var movedTo: RedisEndpoint?
    var connection: RedisConnection?
    var phase = Phase.fresh
    var addressesLeft: [SocketAddress] = []
    /// Failures since a connection was ready.
    var failuresInARow = 0
    var retryTimer: Deadline?
    var silenceTimer: Deadline?
    /// Without the endpoint's name.
    var lastReason = "no connection yet"
    /// The last attempt met a refusal that lasts (`Greeting.lasts`): nothing waits for the next one.
    var isShutOut = false

    enum Phase {
        case fresh
        case started
        case closed
    }

    /// - Parameter prelude: Run at the beginning of each connection, e.g. `SUBSCRIBE`. With such a one, nothing else is run but
    ///   `PING`.
    init(
        to locator: any RedisLocator, credentials: RedisCredentials, on loop: EventLoop, prelude: [RedisCommand],
        events: Events, limits: Limits = Limits()
    ) {
        self.locator = locator
        self.loop = loop
        self.limits = limits
        self.events = events
        greeting = Greeting(credentials, requiresMaster: locator.requiresMaster, prelude: prelude)
    }

    /// Begins to connect, in the loop's next turn, unless it has begun or is closed.
    func start() {
        assert(loop.isCurrent, "A link is used on its loop")
        guard phase == .fresh else { return }
        phase = .started
        loop.execute { [self] in beginRound() }
    }

    var isReady: Bool { connection?.isReady ?? false }

    /// Why there is no connection at this moment, for an operator; nil where there is one.
    var trouble: String? { isReady ? nil : describe(lastReason) }

    func describe(_ reason: String) -> String { "redis \(name): \(reason)" }

    /// Of the server, for an operator.
    var name: String { locator.name(at: endpoint) }

    /// Fails what is not answered, within this call, and ends. Any number of times.
    func close() {
        assert(loop.isCurrent, "A link is used on its loop")
        guard phase != .closed else { return }
        phase = .closed
        retryTimer.take()?.cancel()
        silenceTimer.take()?.cancel()
        deadlineTimer.take()?.cancel()
        addressesLeft = []
        lastReason = "the link is closed"
        connection?.end(lastReason)
        refuseWaiting()
    }

    // MARK: Commands

    /// Runs a command. While there is no connection it waits for one, unless the server has just refused to let us in.
    ///
    /// - Parameters:
    ///   - deadline: Without an answer until then it fails: as `notSent` if no byte was written, nor will be; else as
    ///     `outcomeUnknown`, and the connection is given up, with all that has no answer on it: a server that says nothing would
    ///     let all of them wait.
    ///   - completion: Called once, on the loop, never within this call. What the server answers is a success, also where that
    ///     is an error.
    func run(_ command: RedisCommand, until deadline: ContinuousClock.Instant, completion: @escaping Completion) {
        assert(loop.isCurrent, "A link is used on its loop")
        precondition(!greeting.subscribes || command.name == "PING", "A subscriber runs nothing but PING")
        defer { requestTurn() }
        if let refusal = refusal(of: command) {
            return refused.append((completion, .notSent(describe(refusal))))
        }
        commandCount += 1
        contentBytes += command.byteCount
        let ticket = CommandTicket(deadline: deadline, byteCount: command.byteCount, completion: completion)
        waiting.append(WaitingCommand(command: command, ticket: ticket))
        if deadlineBound.map({ deadline < $0 }) ?? true { setDeadlineTimer(deadline) }
    }

    /// Has who gathers commands run them in the loop's next turn: they leave in the same write.
    func beforeNextWrite(_ run: @escaping () -> Void) {
        beforeWrite.append(run)
        requestTurn()
    }

    private func refusal(of command: RedisCommand) -> String? {
        if phase == .closed || isShutOut { return lastReason }
        guard commandCount < limits.commandsMax else { return "too many commands wait for their answers" }
        guard contentBytes + command.byteCount <= limits.contentBytesMax else {
            return "too much content waits for its answers"
        }
        return nil
    }

    /// Fails what waits, as it would wait in vain.
    func refuseWaiting() {
        let text = describe(lastReason)
        for command in waiting.removeAll() { finish(command.ticket, .failure(.notSent(text))) }
    }

    private func requestTurn() {
        guard !isTurnComing else { return }
        isTurnComing = true
        loop.execute { [self] in
            let gathered = beforeWrite
            beforeWrite = []
            for run in gathered { run() }
            isTurnComing = false
            let refused = self.refused
            self.refused = []
            for (completion, failure) in refused { completion(.failure(failure)) }
            send()
        }
    }

    /// Writes what waits, if there is a connection.
    func send() {
        guard phase != .closed, !waiting.isEmpty else { return }
        if let deadlineBound, deadlineBound <= loop.now { expire() }
        connection?.send()
    }

    func finish(_ ticket: CommandTicket, _ result: Result<RedisReply, RedisFailure>) {
        commandCount -= 1
        contentBytes -= ticket.byteCount
        ticket.completion(result)
    }

    // MARK: For the connection

    var hasWaiting: Bool { !waiting.isEmpty }
    var waitingCount: Int { waiting.count }

    func waitingCommand(at place: Int) -> WaitingCommand { waiting[place] }

    /// The first one, as a byte of it was written.
    func takeWaiting() -> WaitingCommand {
        guard let first = waiting.popFirst() else { preconditionFailure("Nothing waits") }
        return first
    }

    // MARK: Deadlines

    private func setDeadlineTimer(_ deadline: ContinuousClock.Instant) {
        deadlineBound = deadline
        deadlineTimer?.cancel()
        let instant = expiredAt.map { max(deadline, $0 + Self.expiryTimeMin) } ?? deadline
        deadlineTimer = loop.schedule(at: instant) { [self] in expire() }
    }

    /// Fails what is due, and sets the timer for what is not. O(n) in the commands.
    private func expire() {
        let now = loop.now
        deadlineTimer.take()?.cancel()
        deadlineBound = nil
        expiredAt = now
        let due = waiting.removeAll { $0.ticket.deadline <= now }
        if let connection, connection.hasDue(at: now) {
            // The answer may have come a moment ago.
            connection.lookAgain()
            if !connection.readsLater, connection.hasDue(at: now) { connection.end("a command had no answer in time") }
        }
        if phase != .closed, let next = earliestDeadline, deadlineBound.map({ next < $0 }) ?? true {
            setDeadlineTimer(next)
        }
        let text = trouble ?? describe("the server does not take what is sent to it")
        for command in due { finish(command.ticket, .failure(.notSent(text))) }
    }

    private var earliestDeadline: ContinuousClock.Instant? {
        var earliest = connection?.earliestDeadline
        for place in 0..<waiting.count {
            let deadline = waiting[place].ticket.deadline
            earliest = min(earliest ?? deadline, deadline)
        }
        return earliest
    }
}

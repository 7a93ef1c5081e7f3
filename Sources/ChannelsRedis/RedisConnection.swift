import Glibc
import Reactor

/// One connection, from the attempt to make it to its end: greets, writes commands, reads replies. Its link decides what is run
/// on it, and what comes after it.
///
/// ## How it works
/// What waits with the link is what no byte was written of; what was begun is `expected` here, in the order in which replies
/// come. So a command is always on one side of that line. A batch of commands is encoded for one write and then let go: what
/// the socket took is expected, and only the rest of the one that was cut is kept, `outgoing`; what it did not take is encoded
/// again next time.
///
/// The socket is always watched while the connection lives, for reading, and for writing where something was left.
// SAFETY: everything belongs to the loop.
final class RedisConnection: @unchecked Sendable {
    /// Of one write.
    private static let batchCommandsMax = 1024
    private static let batchCopiedBytesMax = 65_536
    private static let batchLargeMax = 16
    /// Full buffers in a row, without a look at others.
    private static let readsInARowMax = 16

    private enum State {
        case connecting
        case greeting
        case ready
        case over
    }

    private enum Expected {
        case greeting(Greeting.Step)
        case command(CommandTicket)
        /// The answer to a ``ping()``.
        case ping

        var ticket: CommandTicket? {
            if case .command(let ticket) = self { return ticket }
            return nil
        }
    }

    private let link: RedisLink
    private let socket: Socket
    private let greeting: Greeting
    private let greetingDeadline: ContinuousClock.Instant
    private let reader = ReplyReader()
    private var state = State.connecting
    private var expected = Queue<Expected>()
    private var greetingRepliesLeft = 0
    /// Encoded anew for each write; here to keep its storage.
    private var batch = OutgoingBytes()
    /// What must be written before anything else, from `outgoingWritten` on.
    private var outgoing = OutgoingBytes()
    private var outgoingWritten = 0
    /// There was no room in the socket.
    private var isBlocked = false
    /// More is to be read in the loop's next turn.
    private(set) var readsLater = false
    /// In `goOn`, which writes, and watches, at its end.
    private var isGoingOn = false
    /// Nothing more is written, and it ends when all that was begun is answered.
    private(set) var isLeaving = false
    private var leavingReason = ""
    /// When something came last.
    private(set) var heardAt: ContinuousClock.Instant

    /// Begins to connect.
    ///
    /// - Throws: where the process is out of descriptors, or nobody listens there.
    init(to address: SocketAddress, greeting: Greeting, for link: RedisLink) throws(SystemError) {
        let descriptor = try SystemCall.socket(family: address.family)
        if address.family != AF_UNIX {
            try SystemCall.setOption(descriptor.number, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
        }
        do {
            try SystemCall.connect(descriptor.number, to: address)
        } catch {
            guard error.code == EINPROGRESS else { throw error }
        }
        self.link = link
        self.greeting = greeting
        socket = try Socket(adopting: descriptor, on: link.loop)
        heardAt = link.loop.now
        greetingDeadline = .now + link.limits.greetingTime
        for (step, command) in greeting.commands {
            command.encode(into: &outgoing)
            for _ in 0..<command.replyCount { expected.append(.greeting(step)) }
        }
        greetingRepliesLeft = expected.count
        socket.onWatchEnd = { [self] in watchEnded($0) }
        socket.watch(for: [.readable, .writable], until: greetingDeadline)
    }

    /// Commands may be written.
    var isReady: Bool { state == .ready }

    // MARK: The end

    /// Ends the connection, for `reason`, and tells the link. Any number of times.
    ///
    /// - Parameter isRefusal: The server is there, and does not want us.
    func end(_ reason: String, isRefusal: Bool = false) {
        guard state != .over else { return }
        let wasReady = isReady
        state = .over
        socket.endWatch()
        socket.close()
        outgoing = OutgoingBytes()
        let lost = expected.removeAll().compactMap(\.ticket)
        link.connectionEnded(self, reason, wasReady: wasReady, isRefusal: isRefusal, lost: lost)
    }

    /// Ends the connection when what was begun on it has its answers.
    func leave(because reason: String) {
        isLeaving = true
        leavingReason = reason
        endIfLeft()
    }

    private func endIfLeft() {
        if isLeaving, expected.isEmpty { end(leavingReason) }
    }

    // MARK: Events of the socket

    private func watchEnded(_ end: Socket.WaitEnd) {
        switch end {
        case .ready, .interrupted: goOn()
        case .timedOut where isReady: watch()
        case .timedOut: self.end("no answer to the connection within \(link.limits.greetingTime)")
        }
    }

    private func goOn() {
        if state == .connecting { state = .greeting }
        isGoingOn = true
        receive()
        isBlocked = false
        write()
        isGoingOn = false
        watch()
    }

    /// Asks the kernel whether there are answers of which the loop has not heard: a loop that was held up hears of its
    /// deadlines first.
    func lookAgain() {
        guard state != .over, !readsLater, !isGoingOn else { return }
        socket.endWatch()
        socket.assumeReadable()
        goOn()
    }

    private func watch() {
        guard state != .over, !readsLater else { return }
        socket.endWatch()
        // While it is ready, deadlines are those of commands.
        socket.watch(
            for: isBlocked ? [.readable, .writable] : .readable,
            until: isReady ? link.loop.now + .seconds(3600) : greetingDeadline)
    }

    // MARK: Reading

    private func receive() {
        guard state != .over, !readsLater else { return }
        let buffer = link.loop.readBuffer
        do {
            for _ in 0..<Self.readsInARowMax {
                switch try socket.read(into: buffer) {
                case .bytes(let count):
                    heardAt = link.loop.now
                    try reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    while state != .over, let reply = try reader.next() { take(reply) }
                    if state == .over { return }
                case .nothingYet: return
                case .end: return end("the server has closed the connection")
                }
            }
        } catch let error as SystemError {
            return end(error.text)
        } catch {
            return end("it does not speak Redis's protocol: \(error)")
        }
        readsLater = true
        socket.endWatch()
        link.loop.execute { [self] in
            readsLater = false
            if state != .over { goOn() }
        }
    }

    private func take(_ reply: RedisReply) {
        if greeting.subscribes, let (channel, payload) = reply.published {
            return link.connectionHeard(channel: channel, payload)
        }
        if greeting.subscribes, isReady, reply.endsSubscription {
            return link.move(to: nil, because: "the subscription has ended: the slot is elsewhere")
        }
        switch expected.popFirst() {
        case .greeting(let step):
            if let refusal = greeting.refusal(by: reply, to: step) { return end(refusal, isRefusal: true) }
            greetingRepliesLeft -= 1
            guard greetingRepliesLeft == 0 else { return }
            state = .ready
            link.connectionIsReady(self)
        case .command(let ticket):
            link.finish(ticket, .success(reply))
            endIfLeft()
        case .ping: endIfLeft()
        case nil: end("it says what nobody has asked for")
        }
    }

    // MARK: Writing

    /// Writes what waits with the link, as far as there is room. Does nothing while it is blocked, or not ready.
    func send() {
        guard isReady, !isBlocked, !isGoingOn, !isLeaving else { return }
        write()
        if isBlocked { watch() }
    }

    /// Asks for a sign of life: ``heardAt`` moves on when it comes.
    func ping() {
        guard isReady else { return }
        RedisCommand("PING").encode(into: &outgoing)
        expected.append(.ping)
        send()
    }

    private func write() {
        guard state == .greeting || state == .ready else { return }
        do {
            while try writeOutgoing(), isReady, !isBlocked, !isLeaving, link.hasWaiting { try writeBatch() }
        } catch {
            // What the server said before it closed the connection says more than that nothing can be written any more.
            socket.assumeReadable()
            receive()
            if !readsLater { end((error as? SystemError)?.text ?? "\(error)") }
        }
    }

    /// False: there was no room for all of it.
    private func writeOutgoing() throws -> Bool {
        while outgoingWritten < outgoing.count {
            let count = try outgoing.write(from: outgoingWritten, to: socket)
            if count == 0 {
                isBlocked = true
                return false
            }
            outgoingWritten += count
        }
        if outgoingWritten > 0 {
            outgoing = OutgoingBytes()
            outgoingWritten = 0
        }
        return true
    }

    private func writeBatch() throws {
        var ends: [Int] = []
        while ends.count < min(Self.batchCommandsMax, link.waitingCount), batch.copiedCount < Self.batchCopiedBytesMax,
            batch.largeCount < Self.batchLargeMax
        {
            link.waitingCommand(at: ends.count).command.encode(into: &batch)
            ends.append(batch.count)
        }
        defer { batch.removeAll() }
        let written = try batch.write(from: 0, to: socket)
        if written == 0 { isBlocked = true }
        var start = 0
        for end in ends where start < written {
            let begun = link.takeWaiting()
            expected.append(.command(begun.ticket))
            if end > written {
                begun.command.encode(into: &outgoing)
                outgoingWritten = written - start
            }
            start = end
        }
    }

    // MARK: Deadlines

    /// A command that was begun should have been answered by now.
    func hasDue(at now: ContinuousClock.Instant) -> Bool {
        earliestDeadline.map { $0 <= now } ?? false
    }

    /// The earliest of the commands that were begun.
    var earliestDeadline: ContinuousClock.Instant? {
        var earliest: ContinuousClock.Instant?
        for place in 0..<expected.count {
            guard let ticket = expected[place].ticket else { continue }
            earliest = min(earliest ?? ticket.deadline, ticket.deadline)
        }
        return earliest
    }
}

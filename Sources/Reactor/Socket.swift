package import Glibc

/// A non-blocking socket on a loop, connected or listening: tries at once, suspends where it would block.
///
/// Belongs to its loop: made, used and closed on the loop's thread. One task at a time waits for it.
///
/// ## How it works
/// epoll tells each change once (edge-triggered). What it told is kept in `readiness` until a call finds the opposite, so a
/// request costs one read, one write and no epoll_ctl. A read that fills less than its buffer has taken everything: what
/// comes later makes a new edge (epoll(7), question 9), so there is no second read just to hear EAGAIN. After a hang-up
/// nothing more comes, and reading goes on to the end.
///
/// A socket has one deadline, for the wait that is on. The entry in the heap is moved lazily: setting a later deadline costs
/// nothing, as the entry stays and moves itself when its old time comes. Keep-alive connections so touch the heap once per
/// idle time, not once per request.
package final class Socket: DeadlineEntry {
    package let loop: EventLoop
    private let number: Int32
    private var descriptor: Descriptor?
    private var token: UInt64 = 0

    private var readiness: Readiness = []
    private var waiter: UnsafeContinuation<WaitEnd, Never>?
    private var interest: Readiness = []
    private var waitDeadline: ContinuousClock.Instant?
    /// When the heap's entry comes up; nil without one.
    private var entryInstant: ContinuousClock.Instant?
    private var isAbandoned = false

    /// Called on the loop when a ``watch(for:until:)`` ends.
    package var onWatchEnd: ((WaitEnd) -> Void)?
    private var isWatched = false

    /// Called on the loop when the peer closes its sending side or the connection fails. Set it around what that shall end.
    package var onHangUp: (() -> Void)?

    /// How a wait ended.
    package enum WaitEnd: Sendable {
        case ready
        case timedOut
        /// ``interrupt()`` was called, or ``abandon()``.
        case interrupted
    }

    package enum ReadEnd {
        case bytes(Int)
        case nothingYet
        /// The peer sends no more.
        case end
    }

    /// Registers the socket with its loop.
    ///
    /// - Throws: where the kernel is out of memory for it, or it is no socket.
    package init(adopting descriptor: consuming Descriptor, on loop: EventLoop) throws(SystemError) {
        self.loop = loop
        number = descriptor.number
        self.descriptor = consume descriptor
        super.init()
        token = try loop.register(self, descriptor: number)
    }

    /// Closes the socket and forgets its deadline. Nobody may be waiting for it. Any number of times.
    package func close() {
        guard let descriptor = descriptor.take() else { return }
        precondition(waiter == nil && !isWatched, "Somebody waits for this socket")
        loop.unregister(token)
        loop.remove(self)
        onHangUp = nil
        onWatchEnd = nil
        descriptor.close()
    }

    // MARK: Trying

    /// Reads what is there, up to the size of `buffer`, which must not be empty.
    ///
    /// - Throws: ECONNRESET and the like: the connection is over.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadEnd {
        guard readiness.contains(.readable) else { return .nothingYet }
        guard let count = try SystemCall.receive(number, into: buffer) else {
            readiness.remove(.readable)
            return .nothingYet
        }
        if count == 0 { return .end }
        if count < buffer.count && !readiness.contains(.hungUp) { readiness.remove(.readable) }
        return .bytes(count)
    }

    /// Writes what there is room for; 0: none at all. `bytes` must not be empty.
    ///
    /// - Throws: EPIPE, ECONNRESET and the like: the connection is over.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        let count = try SystemCall.send(number, bytes) ?? 0
        if count < bytes.count { readiness.remove(.writable) }
        return count
    }

    /// Writes of several buffers, in their order, what there is room for; 0: none at all.
    package func write(gathering vectors: UnsafeMutableBufferPointer<iovec>) throws(SystemError) -> Int {
        let wanted = vectors.reduce(0) { $0 + $1.iov_len }
        let count = try SystemCall.send(number, gathering: vectors) ?? 0
        if count < wanted { readiness.remove(.writable) }
        return count
    }

    /// Takes the next connection of a listener. Nil: nobody waits.
    ///
    /// - Throws: EMFILE, ENFILE, ENOBUFS, ENOMEM: try again later; the connection stays in the backlog.
    package func accept() throws(SystemError) -> Descriptor? {
        guard readiness.contains(.readable) else { return nil }
        let accepted = try SystemCall.accept(number)
        if accepted == nil { readiness.remove(.readable) }
        return accepted
    }

    /// Makes the next read ask the kernel, though the loop has not heard of anything to read.
    package func assumeReadable() {
        readiness.insert(.readable)
    }

    /// There may be something to read, or the end.
    package var mayBeReadable: Bool { readiness.contains(.readable) }

    /// Says to the peer that nothing more comes, and goes on reading.
    package func shutdownSending() {
        SystemCall.shutdownSending(number)
    }

    /// The peer has closed its sending side, or the connection has failed, as far as the loop has heard.
    package var hasHungUp: Bool { readiness.contains(.hungUp) }

    /// As ``hasHungUp``, but asks the kernel: one system call.
    package func isPeerGone() -> Bool {
        hasHungUp || SystemCall.isPeerGone(number)
    }

    // MARK: Waiting

    /// Suspends until the socket is ready for `interest`, or may be; at once if it is. Never longer than until `deadline`.
    /// Ignores the cancellation of the task. An empty interest waits for the deadline alone.
    package nonisolated(nonsending) func wait(
        for interest: Readiness, until deadline: ContinuousClock.Instant?
    ) async -> WaitEnd {
        if isAbandoned { return .interrupted }
        if !readiness.isDisjoint(with: interest) { return .ready }
        return await withUnsafeContinuation { continuation in
            precondition(waiter == nil && !isWatched, "One waits for a socket at a time")
            waiter = continuation
            self.interest = interest
            setDeadline(deadline)
        }
    }

    /// Waits without a task: ``onWatchEnd`` is called when the socket is ready for `interest` or has been interrupted, or at
    /// `deadline`; never within this call. For a socket that is not ready, as far as the loop has heard. An empty interest
    /// waits for the deadline alone.
    package func watch(for interest: Readiness, until deadline: ContinuousClock.Instant) {
        precondition(waiter == nil && !isWatched, "One waits for a socket at a time")
        precondition(!isAbandoned && readiness.isDisjoint(with: interest), "This watch would end at once")
        isWatched = true
        self.interest = interest
        setDeadline(deadline)
    }

    /// Forgets the watch, if one is on.
    package func endWatch() {
        isWatched = false
        interest = []
        waitDeadline = nil
    }

    /// Ends the wait that is on, if one is. Who is about to wait is not concerned: it must look for itself whether it still
    /// wants to.
    package func interrupt() {
        endWait(.interrupted)
    }

    /// Ends the wait that is on, and all that are to come.
    package func abandon() {
        isAbandoned = true
        endWait(.interrupted)
    }

    func eventsArrived(_ events: Readiness) {
        let hangsUp = events.contains(.hungUp) && !readiness.contains(.hungUp)
        readiness.formUnion(events)
        if !readiness.isDisjoint(with: interest) { endWait(.ready) }
        if hangsUp { onHangUp?() }
    }

    private func endWait(_ end: WaitEnd) {
        if isWatched {
            endWatch()
            onWatchEnd?(end)
        } else if let waiter = waiter.take() {
            interest = []
            waitDeadline = nil
            waiter.resume(returning: end)
        }
    }

    private func setDeadline(_ deadline: ContinuousClock.Instant?) {
        waitDeadline = deadline
        guard let deadline else { return }
        if let entryInstant, entryInstant <= deadline { return }
        entryInstant = deadline
        loop.move(self, to: deadline)
    }

    override func isDue(at now: ContinuousClock.Instant) {
        entryInstant = nil
        guard let waitDeadline else { return }
        if waitDeadline <= now {
            endWait(.timedOut)
        } else {
            setDeadline(waitDeadline)
        }
    }
}

import CLinux
import Glibc
import Synchronization

/// One thread that waits for events of sockets and for deadlines, and runs the tasks that prefer it.
///
/// ## How it works
/// A loop is a `TaskExecutor`: what is started with `Task(executorPreference: loop)` runs on its thread, and so does every
/// nonisolated async function called from there. State that only such tasks touch needs no lock.
///
/// A turn of the loop: run a bounded batch of what is ready, jobs of tasks and plain actions; take over what other threads left in the inbox; run due deadlines;
/// ask epoll, without waiting if there is still something to do, else until the next deadline; hand its events to their
/// sockets. The batch is bounded so that ten thousand receivers that wake at once do not keep the
/// sockets waiting.
///
/// What the loop's own thread makes ready goes to a plain array. What another's does goes to the inbox, behind a lock, and
/// rings the bell (an eventfd) only if the loop is asleep and nobody has rung yet.
// SAFETY: `inbox` and `life` are locked; `epoll`, `bell` and `name` are constant. Everything else belongs to the thread
// of the loop: it is touched there only, as `preconditionOnLoop` checks at the doors.
package final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// Jobs and actions between two looks at epoll.
    static let workInBatchMax = 128
    /// Deadlines between two looks at epoll.
    static let deadlinesInBatchMax = 1024
    /// Events taken from epoll at once.
    static let eventsInBatchMax = 256
    /// The size of ``readBuffer``.
    package static let readBufferBytes = 65_536

    /// The name of the thread, as tools show it; at most 15 bytes of it.
    package let name: String
    let epoll: Descriptor
    private let bell: Descriptor
    private let inbox = Mutex(LoopInbox())
    private let life = Mutex(Life.fresh)

    private var ready = ReadyQueue()
    private var deadlines = DeadlineHeap()
    private var sockets = SocketTable()
    private var isStopping = false
    // SAFETY: both are allocated once, and freed with the loop.
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: eventsInBatchMax)
    /// A buffer of ``readBufferBytes`` for whoever runs on the loop, until its next suspension: then it is another's. So one
    /// buffer serves all connections, and one that waits holds none.
    package let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readBufferBytes, alignment: 16)

    /// The time at this turn of the loop: read after each wait for events, and before deadlines are run. Loop only.
    package private(set) var now = ContinuousClock.now

    private enum Life {
        case fresh
        case running(pthread_t)
        case stopped
    }

    /// The token of the bell in epoll's data; the tokens of sockets are smaller.
    private static let bellToken = UInt64.max

    /// Makes a loop that does not run yet; what is sent to it waits for ``start()``.
    ///
    /// - Throws: where the process is out of descriptors.
    package init(name: String = "loop") throws(SystemError) {
        self.name = name
        epoll = try SystemCall.makeEpoll()
        bell = try SystemCall.makeEventDescriptor()
        // Edge-triggered, so that the bell need not be read to fall silent: each ring is an edge.
        try SystemCall.epollAdd(
            epoll.number, bell.number, events: EPOLLIN.rawValue | EPOLLET.rawValue, token: Self.bellToken)
    }

    deinit {
        events.deallocate()
        readBuffer.deallocate()
    }

    /// The loop whose thread this is; nil on any other thread.
    package static var current: EventLoop? {
        guard let loop = clinux_current_loop() else { return nil }
        // SAFETY: set by `run` for as long as it runs, and `run` is held up by the thread's own reference.
        return Unmanaged<EventLoop>.fromOpaque(loop).takeUnretainedValue()
    }

    /// True on the loop's own thread.
    package var isCurrent: Bool {
        clinux_current_loop() == UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }

    func preconditionOnLoop() {
        precondition(isCurrent, "This belongs to the thread of the loop")
    }

    // MARK: Life

    /// Starts the thread. Signals are blocked in it, so that they reach the thread that waits for them.
    ///
    /// - Throws: where the process is out of threads.
    package func start() throws(SystemError) {
        let code = life.withLock { life -> Int32 in
            guard case .fresh = life else { preconditionFailure("A loop starts once") }
            var all = sigset_t()
            var before = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            var thread = pthread_t()
            let retained = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { pointer in
                    let loop = Unmanaged<EventLoop>.fromOpaque(pointer!).takeRetainedValue()
                    loop.run()
                    return nil
                }, retained.toOpaque())
            if code == 0 {
                life = .running(thread)
            } else {
                retained.release()
            }
            return code
        }
        if code != 0 { throw SystemError(code: code, call: "pthread_create") }
    }

    /// Ends the thread, after the jobs that are ready by then, and waits for its end. Not from the loop itself.
    ///
    /// Deadlines that are not due are dropped. Tasks that wait on the loop then wait for ever: end them before.
    package func stop() {
        precondition(!isCurrent, "A loop cannot wait for its own end")
        let thread = life.withLock { life -> pthread_t? in
            defer { life = .stopped }
            if case .running(let thread) = life { return thread }
            return nil
        }
        guard let thread else { return }
        post { $0.stops = true }
        pthread_join(thread, nil)
    }

    private func run() {
        clinux_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        defer { clinux_set_current_loop(nil) }
        clinux_name_thread(String(decoding: name.utf8.prefix(15), as: UTF8.self))
        while true {
            runReadyWork()
            takeFromInbox()
            if isStopping && ready.isEmpty { break }
            runDueDeadlines()
            waitForEvents()
        }
        deadlines.removeAll()
        sockets.removeAll()
    }

    // MARK: A turn

    private func runReadyWork() {
        let executor = asUnownedTaskExecutor()
        // What becomes ready by it, as a task that yields does at once, is left for the next turn.
        for _ in 0..<min(Self.workInBatchMax, ready.count) {
            switch ready.popFirst() {
            case .job(let job): job.runSynchronously(on: executor)
            case .action(let action): action()
            case nil: return
            }
        }
    }

    private func takeFromInbox() {
        var taken = LoopInbox()
        inbox.withLock { inbox in
            inbox.ownerSleeps = false
            if inbox.hasContent { swap(&inbox, &taken) }
        }
        guard taken.hasContent else { return }
        for work in taken.work { ready.append(work) }
        // Before the cancellations: one of them may concern a deadline that has just come.
        for (deadline, instant) in taken.deadlines where !deadline.isCancelled {
            deadlines.insert(deadline, at: instant)
        }
        for deadline in taken.cancellations { deadlines.remove(deadline) }
        if taken.stops { isStopping = true }
    }

    private func runDueDeadlines() {
        guard let earliest = deadlines.earliest else { return }
        now = .now
        guard earliest <= now else { return }
        for _ in 0..<Self.deadlinesInBatchMax {
            guard let entry = deadlines.popDue(at: now) else { return }
            entry.isDue(at: now)
        }
    }

    private func waitForEvents() {
        var milliseconds: Int32 = 0
        if ready.isEmpty, !isStopping {
            milliseconds = deadlines.earliest.map { Self.millisecondsUp($0 - .now) } ?? -1
        }
        if milliseconds != 0 {
            // From here on, who puts something in rings the bell.
            let maySleep = inbox.withLock { inbox in
                inbox.ownerSleeps = !inbox.hasContent
                return inbox.ownerSleeps
            }
            if !maySleep { milliseconds = 0 }
        }
        let count: Int
        do {
            count = try SystemCall.epollWait(epoll.number, into: events, milliseconds: milliseconds)
        } catch {
            preconditionFailure("The loop's own descriptor failed: \(error)")
        }
        now = .now
        for event in events[..<count] where event.data.u64 != Self.bellToken {
            // A token whose socket is closed finds nobody, even if the descriptor's number has a new owner.
            sockets[event.data.u64]?.eventsArrived(Readiness(epoll: event.events))
        }
    }

    /// Rounded up, so that the loop does not wake just before a deadline and spin; but for what is due in a moment, as the
    /// next slice of something long is, a look at the sockets is all that there is time for.
    private static func millisecondsUp(_ duration: Duration) -> Int32 {
        guard duration > .microseconds(50) else { return 0 }
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow else { return .max }
        return Int32(clamping: milliseconds.partialValue + attoseconds / 1_000_000_000_000_000 + 1)
    }

    // MARK: From any thread

    package func enqueue(_ job: consuming ExecutorJob) {
        makeReady(.job(UnownedJob(job)))
    }

    /// Runs `action` on the loop, in one of its next turns; never before this returns. Any thread.
    ///
    /// `action` must not block. For what has no task of its own.
    package func execute(_ action: @escaping @Sendable () -> Void) {
        makeReady(.action(action))
    }

    private func makeReady(_ work: ReadyWork) {
        if isCurrent {
            ready.append(work)
        } else {
            post { $0.work.append(work) }
        }
    }

    /// Calls `action` on the loop once, at `instant` or soon after it (a millisecond or so), unless it is cancelled before.
    ///
    /// Any thread. `action` must not block. It never runs within this call; where another thread calls, it may run on the
    /// loop's while this returns. O(log n) in the deadlines of the loop.
    package func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> Deadline {
        let deadline = Deadline(on: self, action)
        if isCurrent {
            deadlines.insert(deadline, at: instant)
        } else {
            post { $0.deadlines.append((deadline, instant)) }
        }
        return deadline
    }

    func cancel(_ deadline: Deadline) {
        if isCurrent {
            deadlines.remove(deadline)
        } else {
            post { $0.cancellations.append(deadline) }
        }
    }

    private func post(_ put: (inout sending LoopInbox) -> Void) {
        let sleeps = inbox.withLock { inbox in
            put(&inbox)
            defer { inbox.ownerSleeps = false }  // the first one rings for all who come before the loop has woken
            return inbox.ownerSleeps
        }
        if sleeps { SystemCall.signal(bell.number) }
    }

    // MARK: For sockets, on the loop

    func register(_ socket: Socket, descriptor: Int32) throws(SystemError) -> UInt64 {
        preconditionOnLoop()
        let token = sockets.insert(socket)
        do {
            try SystemCall.epollAdd(epoll.number, descriptor, events: Readiness.epollInterest, token: token)
        } catch {
            sockets.remove(token)
            throw error
        }
        return token
    }

    /// epoll forgets the descriptor by itself when it is closed; a late event then finds the slot's generation changed.
    func unregister(_ token: UInt64) {
        preconditionOnLoop()
        sockets.remove(token)
    }

    /// Puts the entry at `instant`, wherever it was. O(log n).
    func move(_ entry: DeadlineEntry, to instant: ContinuousClock.Instant) {
        deadlines.move(entry, to: instant)
    }

    func remove(_ entry: DeadlineEntry) {
        deadlines.remove(entry)
    }
}

import Channels
import Dispatch
import Foundation
import GRDB
import Synchronization

/// The one thread that touches the file.
///
/// How it works (group commit). Callers leave calls in the intake. The thread takes all that have gathered, runs them
/// in one transaction in their order, commits, and answers them; meanwhile the next gather. A caller is answered after
/// the commit of what it asked for, never before.
///
/// Where that fails, be it for one call's mistake, a full disk or a page that cannot be read, the transaction is rolled
/// back and each of its calls run in one of its own, so that only what cannot be done fails. What must not fail (a
/// `giveBack`) is kept, and tried again until it works.
///
/// A call in whose way there is more than a slice of expired things, and what the transaction has no time or no memory
/// left for, is run in the next one, first.
// SAFETY: callers touch `intake` alone, which is locked; everything else is the thread's own once it has started.
final class Writer: @unchecked Sendable {
    private let intake = Mutex(Intake())
    private let bell = DispatchSemaphore(value: 0)
    private let file: OpenFile
    private let time: FileTime
    private let transactionTimeMax: Duration
    private let sweeps: SweepPlan
    private let committed = Atomic<Int>(0)
    /// Calls to be run again, before all others.
    private var repeats: [any Call] = []
    /// Calls that must not fail and did, to be tried again.
    private var kept: [any Call] = []

    /// How many transactions have been committed.
    var transactionCount: Int { committed.load(ordering: .relaxed) }
    /// Calls that have no answer yet.
    var unansweredCallCount: Int { intake.withLock(\.unansweredCalls) }

    /// - Parameter transactionTimeMax: how long the calls of one transaction run; what is left is run in the next.
    init(_ file: OpenFile, sweeps: SweepPlan, transactionTimeMax: Duration) {
        self.file = file
        self.transactionTimeMax = transactionTimeMax
        self.sweeps = sweeps
        time = file.time
    }

    func start() {
        sweeps.planOne(for: self, after: time.instant(of: time.now.time))
        let thread = Thread { self.run() }
        thread.name = "sqlite writer"
        thread.start()
    }

    /// When it is that time of the file on the layer's clock.
    func instant(of fileTime: Int64) -> ContinuousClock.Instant { time.instant(of: fileTime) }

    // MARK: Callers' side

    /// Leaves a call. Where too much waits it is answered with an error, unless it must not fail.
    func enqueue(_ call: any Call) { enqueue([call]) }

    /// Leaves calls, with none of others between them.
    func enqueue(_ calls: [any Call]) {
        let (refusals, wake) = intake.withLock { intake in
            (calls.map { intake.take($0) }, intake.wakesUp())
        }
        if wake { bell.signal() }
        for case (let call, let why?) in zip(calls, refusals) { call.answer(error: StoreError.unavailable(why)) }
    }

    /// Has a wait ended, unless it ends by itself before.
    func end(_ waiter: Waiter) {
        let wake = intake.withLock { intake in
            guard !intake.isClosed else { return false }
            intake.ends.append(waiter)
            return intake.wakesUp()
        }
        if wake { bell.signal() }
    }

    /// Answers what has been asked, then closes the file, and calls `onClosed`: at once where it is closed already.
    func close(_ onClosed: @escaping @Sendable () -> Void) {
        let (wake, isClosed) = intake.withLock { intake in
            intake.isClosing = true
            if !intake.isClosed { intake.onClosed.append(onClosed) }
            return (intake.wakesUp(), intake.isClosed)
        }
        if wake { bell.signal() }
        if isClosed { onClosed() }
    }

    // MARK: The thread

    private func run() {
        file.use { store in
            while let batch = nextBatch() {
                for waiter in batch.ends { end(waiter, in: store) }
                if !batch.calls.isEmpty { execute(batch.calls, in: store) }
            }
            for call in kept where attempt([call], in: store) != nil {
                answer(call, StoreError.unavailable("The layer is closed, and its store failed."))
            }
            for waiter in store.room.all { end(waiter, in: store) }
            store.move(to: time.now)
            store.saveTime()
        }
        file.close()
        let onClosed = intake.withLock { intake in
            intake.isClosed = true
            return intake.onClosed
        }
        for action in onClosed { action() }
    }

    /// What has gathered; sleeps while nothing has. Nil when it is to close and nothing is left.
    private func nextBatch() -> (calls: [any Call], ends: [Waiter])? {
        while true {
            let before = repeats
            repeats = []
            let (batch, isClosing) = intake.withLock { ($0.nextBatch(after: before), $0.isClosing) }
            if !batch.calls.isEmpty || !batch.ends.isEmpty { return batch }
            if isClosing { return nil }
            bell.wait()
        }
    }

    private func end(_ waiter: Waiter, in store: Store) {
        waiter.isOver = true
        if store.room.remove(waiter) { waiter.resume?([]) }
    }

    private func execute(_ calls: [any Call], in store: Store) {
        if let failure = attempt(calls, in: store) {
            if failure.isOfStore { store.checkpoint() }
            if calls.count > 1 {
                executeOneByOne(calls, after: failure, in: store)
            } else {
                fail(calls[0], failure, in: store)
            }
        } else if !kept.isEmpty {
            let retried = kept
            kept = []
            for call in retried { if let failure = attempt([call], in: store) { fail(call, failure, in: store) } }
        }
    }

    /// Each in a transaction of its own, after the one failed that all of them were in.
    private func executeOneByOne(_ calls: [any Call], after failure: TransactionFailure, in store: Store) {
        var failuresInARow = 0
        for call in calls {
            // A full disk does not take the ninth content where it took none of eight.
            if failuresInARow >= Self.failuresInARowMax, call.contentBytes > 0 {
                fail(call, failure, in: store)
            } else if var own = attempt([call], in: store) {
                if own.isOfStore { failuresInARow += 1 }
                // What the first attempt wrote may yet be found there after a crash.
                own.isOutcomeUnknown = own.isOutcomeUnknown || failure.isOutcomeUnknown
                fail(call, own, in: store)
            } else {
                failuresInARow = 0
            }
        }
    }

    /// Runs calls in one transaction, commits, and answers those that are done; the others are repeated. Where it fails,
    /// nothing was done, and nobody is answered.
    private func attempt(_ calls: [any Call], in store: Store) -> TransactionFailure? {
        var done: [any Call] = []
        var rest: [any Call] = []
        var isCommit = false
        do {
            let begin = ContinuousClock.now
            store.move(to: time.now)
            try store.begin()
            for (index, call) in calls.enumerated() {
                if index > 0 {
                    store.move(to: time.now)
                    if store.takenBytes >= Self.takenBytesMax || begin.duration(to: .now) >= transactionTimeMax {
                        rest += calls[index...]
                        break
                    }
                }
                do {
                    try call.run(in: store)
                    done.append(call)
                } catch is WorkRemains {
                    rest.append(call)
                }
            }
            isCommit = true
            try store.commit()
        } catch {
            store.rollback()
            return TransactionFailure(error, isCommit: isCommit)
        }
        committed.add(1, ordering: .relaxed)
        repeats += rest
        // Before anybody hears of what was stored.
        planSweep(in: store)
        for waiter in store.room.takeEnded() { waiter.resume?(waiter.deliveries) }
        for call in done { call.answer(error: nil) }
        intake.withLock { intake in for call in done { intake.forget(call) } }
        // Where a sweep was among them and found nothing, others may have stored something after it.
        if done.count > 1 { planSweep(in: store) }
        return nil
    }

    private func planSweep(in store: Store) { sweeps.planOne(for: self, after: time.instant(of: store.now)) }

    /// Answers a call that cannot be done or, where that is no answer, keeps it until something else could be done; a
    /// sweep at the latest.
    private func fail(_ call: any Call, _ failure: TransactionFailure, in store: Store) {
        if failure.isOfStore, call.mustNotFail, kept.count < Self.keptCallsMax {
            kept.append(call)
            planSweep(in: store)
        } else {
            answer(call, StoreError.channelError(for: failure))
        }
    }

    private func answer(_ call: any Call, _ error: any Error) {
        call.answer(error: error)
        intake.withLock { $0.forget(call) }
    }

    /// Bytes of content that a transaction takes for receivers at most; the first call always fits.
    private static let takenBytesMax = 64 << 20
    /// After so many failures of the store no other content is tried in the same batch.
    private static let failuresInARowMax = 8
    /// Calls that are kept until the store works again.
    private static let keptCallsMax = 4096
}

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
/// back, and each half of its calls is tried in one of its own, and so on: only what cannot be done fails. What must not
/// fail (a `giveBack`) is kept, and tried again until it works.
///
/// A call in whose way there is more than a slice of expired things, and what the transaction has no time or no memory
/// left for, is run in the next one, first.
// SAFETY: callers touch `intake` alone, which is locked; everything else is the thread's own once it has started.
final class Writer: @unchecked Sendable {
    private let intake = Mutex(Intake())
    private let bell = DispatchSemaphore(value: 0)
    private let file: OpenFile
    private let time: FileTime
    private let space: DiskSpace
    private let transactionTimeMax: Duration
    let sweeps: SweepPlan
    private let committed = Atomic<Int>(0)
    /// Calls to be run again, before all others.
    private var repeats: [any Call] = []
    /// Calls that must not fail and did, to be tried again.
    private var kept: [any Call] = []
    private var keptBytes = 0

    /// How many transactions have been committed.
    var transactionCount: Int { committed.load(ordering: .relaxed) }
    /// Calls that have no answer yet.
    var unansweredCallCount: Int { intake.withLock(\.unansweredCalls) }
    /// Nothing more is taken.
    var isClosing: Bool { intake.withLock(\.isClosing) }

    /// - Parameter transactionTimeMax: how long the calls of one transaction run; what is left is run in the next.
    init(_ file: OpenFile, sweeps: SweepPlan, transactionTimeMax: Duration) {
        self.file = file
        self.transactionTimeMax = transactionTimeMax
        self.sweeps = sweeps
        time = file.time
        space = file.space
    }

    func start() {
        sweeps.planOne(for: self, after: time.instant(of: time.now.time))
        Thread.detachNewThread {
            Thread.current.name = "sqlite writer"
            self.run()
        }
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

    /// - Throws: `DatabaseError` where contents are refused, as the disk is full.
    func requireRoom() throws { try space.requireRoom() }

    /// Has a wait ended, unless it ends by itself before.
    func end(_ waiter: Waiter, _ end: WaitEnd) {
        let wake = intake.withLock { intake in
            guard !intake.isClosed else { return false }
            intake.ends.append((waiter, end))
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
                for (waiter, end) in batch.ends { self.end(waiter, end, in: store) }
                if !batch.calls.isEmpty { execute(batch.calls, in: store) }
            }
            finishKept(in: store)
            for waiter in store.room.all { end(waiter, .cancellation, in: store) }
            store.move(to: time.now)
            store.saveTime()
        }
        file.close()
        sweeps.cancel()
        let onClosed = intake.withLock { intake in
            intake.isClosed = true
            return intake.onClosed
        }
        for action in onClosed { action() }
    }

    /// The last try.
    private func finishKept(in store: Store) {
        var rest = kept
        kept = []
        while !rest.isEmpty {
            for call in rest {
                if let failure = attempt([call], in: store) { answer(call, StoreError.channelError(for: failure)) }
            }
            rest = repeats
            repeats = []
        }
    }

    /// What has gathered; sleeps while nothing has. Nil when it is to close and nothing is left.
    private func nextBatch() -> (calls: [any Call], ends: [(waiter: Waiter, end: WaitEnd)])? {
        while true {
            let before = repeats
            repeats = []
            let (batch, isClosing) = intake.withLock { ($0.nextBatch(after: before), $0.isClosing) }
            if !batch.calls.isEmpty || !batch.ends.isEmpty { return batch }
            if isClosing { return nil }
            bell.wait()
        }
    }

    private func end(_ waiter: Waiter, _ end: WaitEnd, in store: Store) {
        if waiter.end != .cancellation { waiter.end = end }
        if store.room.remove(waiter) { waiter.resume?([]) }
    }

    private func execute(_ calls: [any Call], in store: Store) {
        if let failure = attempt(calls, in: store) {
            isolate(calls, after: failure, in: store)
        } else {
            retryKept(in: store)
        }
    }

    /// Finds which calls cannot be done, by halves, after a transaction has failed that all of them were in. The time for
    /// that is limited: what is left is repeated.
    private func isolate(_ calls: [any Call], after failure: TransactionFailure, in store: Store) {
        if failure.isOfStore { store.checkpoint() }
        guard calls.count > 1 else { return fail(calls[0], failure, in: store) }
        let begin = ContinuousClock.now
        var parts = Self.halves(of: calls[...])
        var isOutcomeUnknown = failure.isOutcomeUnknown
        var ofStore = failure
        var failuresInARow = 0
        while var part = parts.popLast() {
            // A full disk does not take the ninth content where it took none of eight.
            if failuresInARow >= Self.failuresInARowMax {
                for call in part where call.contentBytes > 0 { fail(call, ofStore, in: store) }
                part = part.filter { $0.contentBytes == 0 }[...]
            }
            guard let first = part.first else { continue }
            guard begin.duration(to: .now) < Self.isolationTimeMax else {
                repeats += part
                continue
            }
            guard var own = attempt(Array(part), in: store) else {
                failuresInARow = 0
                continue
            }
            // What one of the attempts wrote may yet be found there after a crash.
            isOutcomeUnknown = isOutcomeUnknown || own.isOutcomeUnknown
            own.isOutcomeUnknown = isOutcomeUnknown
            if part.count > 1 {
                parts += Self.halves(of: part)
            } else {
                if own.isOfStore { (ofStore, failuresInARow) = (own, failuresInARow + 1) }
                fail(first, own, in: store)
            }
        }
    }

    /// The first half last, as it is the next.
    private static func halves(of part: ArraySlice<any Call>) -> [ArraySlice<any Call>] {
        let half = part.startIndex + part.count / 2
        return [part[half...], part[..<half]]
    }

    /// Tries what was kept, until one fails again.
    private func retryKept(in store: Store) {
        while !kept.isEmpty {
            if let failure = attempt([kept[0]], in: store) {
                guard !failure.isOfStore else { return }
                answer(kept[0], StoreError.channelError(for: failure))
            }
            keptBytes -= kept.removeFirst().contentBytes
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
            if calls.contains(where: { $0.contentBytes > 0 && !$0.mustNotFail }) { try space.requireRoom() }
            try store.begin()
            for (index, call) in calls.enumerated() {
                if index > 0 {
                    store.move(to: time.now)
                    if store.takenBytes >= Self.takenBytesMax || begin.duration(to: .now) >= transactionTimeMax {
                        rest += calls[index...]
                        break
                    }
                    // Nothing is left of what it lacked before.
                    if store.slice.isUsedUp, call.isRepeated {
                        rest.append(call)
                        continue
                    }
                }
                do {
                    try call.run(in: store)
                    done.append(call)
                } catch is WorkRemains {
                    call.isRepeated = true
                    rest.append(call)
                }
            }
            try store.finish()
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
        intake.withLock { intake in for call in done { intake.forget(call) } }
        for call in done { call.answer(error: nil) }
        // Where a sweep was among them and found nothing, others may have stored something after it.
        if done.count > 1 { planSweep(in: store) }
        return nil
    }

    private func planSweep(in store: Store) { sweeps.planOne(for: self, after: time.instant(of: store.now)) }

    /// Answers a call that cannot be done or, where that is no answer, keeps it until something else could be done; a
    /// sweep at the latest.
    private func fail(_ call: any Call, _ failure: TransactionFailure, in store: Store) {
        let hasRoom =
            kept.count < Self.keptCallsMax && (kept.isEmpty || keptBytes + call.contentBytes <= Self.keptBytesMax)
        if failure.isOfStore, call.mustNotFail, hasRoom {
            kept.append(call)
            keptBytes += call.contentBytes
            planSweep(in: store)
        } else {
            answer(call, StoreError.channelError(for: failure))
        }
    }

    private func answer(_ call: any Call, _ error: any Error) {
        intake.withLock { $0.forget(call) }
        call.answer(error: error)
    }

    /// Bytes of content that a transaction takes for receivers at most; the first call always fits.
    private static let takenBytesMax = 64 << 20
    /// After so many failures of the store no other content is tried in the same batch.
    private static let failuresInARowMax = 8
    /// For how long it is found out which calls of a batch fail.
    private static let isolationTimeMax = Duration.milliseconds(250)
    /// Calls that are kept until the store works again, and bytes of their content.
    private static let keptCallsMax = 4096
    private static let keptBytesMax = 256 << 20
}

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
/// A call that fails in the middle has the batch rolled back and each of it run on its own. Where the store itself
/// fails, all of the batch fails. A call in whose way there is more than a slice of expired things is run again in the
/// next batch, first.
// SAFETY: callers touch `intake` alone, which is locked; everything else is the thread's own once it has started.
final class Writer: @unchecked Sendable {
    /// Calls in one transaction at most, and bytes of their content beyond which no other joins.
    static let batchCallsMax = 1024
    static let batchContentBytesMax = 64 << 20
    /// Calls that wait for an answer at most; more are refused.
    static let unansweredCallsMax = 65_536

    private struct Intake {
        var calls: [any Call] = []
        var ends: [Waiter] = []
        var unanswered = 0
        var isAsleep = false
        var isClosing = false
        var isClosed = false
        var onClosed: [@Sendable () -> Void] = []
    }

    private let intake = Mutex(Intake())
    private let bell = DispatchSemaphore(value: 0)
    private let file: OpenFile
    private let time: @Sendable () -> Int64
    private let committed = Atomic<Int>(0)
    /// Calls to be run again, before all others.
    private var repeats: [any Call] = []

    /// How many transactions have been committed.
    var transactionCount: Int { committed.load(ordering: .relaxed) }

    /// - Parameter time: now, on the file's timeline.
    init(_ file: OpenFile, time: @escaping @Sendable () -> Int64) {
        self.file = file
        self.time = time
    }

    /// - Parameter afterBatch: told on the thread after each batch, whether anything is stored.
    func start(afterBatch: @escaping @Sendable (_ hasAnything: Bool) -> Void) {
        let thread = Thread { self.run(afterBatch) }
        thread.name = "sqlite writer"
        thread.start()
    }

    // MARK: Callers' side

    /// Leaves a call. One that is not `isEssential` is answered with an error where too many wait.
    func enqueue(_ call: any Call, isEssential: Bool = false) {
        enum Reception { case taken(wake: Bool), refused(String) }
        let reception: Reception = intake.withLock { intake in
            guard !intake.isClosing else { return .refused("The layer is closed.") }
            guard isEssential || intake.unanswered < Self.unansweredCallsMax else {
                return .refused("The layer's store does not keep up with what is asked of it. Try again later.")
            }
            intake.unanswered += 1
            intake.calls.append(call)
            defer { intake.isAsleep = false }
            return .taken(wake: intake.isAsleep)
        }
        switch reception {
        case .taken(let wake): if wake { bell.signal() }
        case .refused(let why): call.answer(error: StoreError.unavailable(why))
        }
    }

    /// Has a wait ended, unless it ends by itself before.
    func end(_ waiter: Waiter) {
        let wake = intake.withLock { intake in
            guard !intake.isClosed else { return false }
            intake.ends.append(waiter)
            defer { intake.isAsleep = false }
            return intake.isAsleep
        }
        if wake { bell.signal() }
    }

    /// Answers what has been asked, then closes the file, and calls `onClosed`: at once where it is closed already.
    func close(_ onClosed: @escaping @Sendable () -> Void) {
        let (wake, isClosed) = intake.withLock { intake in
            intake.isClosing = true
            if !intake.isClosed { intake.onClosed.append(onClosed) }
            defer { intake.isAsleep = false }
            return (intake.isAsleep, intake.isClosed)
        }
        if wake { bell.signal() }
        if isClosed { onClosed() }
    }

    // MARK: The thread

    private func run(_ afterBatch: @Sendable (Bool) -> Void) {
        file.use { store in
            while let batch = nextBatch() {
                for waiter in batch.ends { end(waiter, in: store) }
                guard !batch.calls.isEmpty else { continue }
                execute(batch.calls, in: store)
                afterBatch((try? store.hasAnything()) ?? true)
            }
            for waiter in store.room.all { end(waiter, in: store) }
            store.now = max(store.now, time())
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
            var calls = repeats
            repeats = []
            let (ends, isClosing) = intake.withLock { intake in
                var contentBytes = 0
                var count = 0
                while count < intake.calls.count, calls.count + count < Self.batchCallsMax,
                    contentBytes < Self.batchContentBytesMax
                {
                    contentBytes += intake.calls[count].contentBytes
                    count += 1
                }
                calls += intake.calls[..<count]
                intake.calls.removeFirst(count)
                let ends = intake.ends
                intake.ends = []
                intake.isAsleep = calls.isEmpty && ends.isEmpty && !intake.isClosing
                return (ends, intake.isClosing)
            }
            if !calls.isEmpty || !ends.isEmpty { return (calls, ends) }
            if isClosing { return nil }
            bell.wait()
        }
    }

    private func end(_ waiter: Waiter, in store: Store) {
        waiter.isOver = true
        if store.room.remove(waiter) { waiter.resume?([]) }
    }

    private func execute(_ calls: [any Call], in store: Store) {
        var answered: [any Call] = []
        var again: [any Call] = []
        var isCommit = false
        do {
            try store.begin()
            for call in calls {
                store.now = max(store.now, time())
                do {
                    try call.run(in: store)
                    answered.append(call)
                } catch is WorkRemains {
                    again.append(call)
                }
            }
            isCommit = true
            try store.commit()
        } catch {
            store.rollback()
            if calls.count > 1, !isCommit, !StoreError.isOfStore(error) {
                for call in calls { execute([call], in: store) }
            } else {
                fail(calls, StoreError.channelError(for: error, isCommit: isCommit))
                if StoreError.isOfStore(error) { store.checkpoint() }
            }
            return
        }
        committed.add(1, ordering: .relaxed)
        repeats += again
        for waiter in store.room.takeEnded() { waiter.resume?(waiter.deliveries) }
        for call in answered { call.answer(error: nil) }
        intake.withLock { $0.unanswered -= answered.count }
    }

    private func fail(_ calls: [any Call], _ error: any Error) {
        for call in calls { call.answer(error: error) }
        intake.withLock { $0.unanswered -= calls.count }
    }
}

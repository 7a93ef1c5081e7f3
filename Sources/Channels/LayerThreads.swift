import Foundation
import Synchronization

/// The threads of one layer, on which a backend is called that may block.
///
/// A thread is started where there is work and none is idle, up to ``threadsMax``; beyond that, work queues in its order.
/// Once closed, they end as soon as there is nothing to do; what comes later is still done, by a thread that then ends.
// SAFETY: `state` is only touched with `condition` locked.
final class LayerThreads: TaskExecutor, @unchecked Sendable {
    static let threadsMax = 16

    private struct State {
        /// In order; those before `next` have been taken.
        var jobs: [UnownedJob] = []
        var next = 0
        var threadCount = 0
        var idleCount = 0
        var isClosed = false
    }

    private let name: String
    private let condition = NSCondition()
    private var state = State()

    /// - Parameter name: what its threads are called, for whoever looks at the process.
    init(name: String) { self.name = name }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = condition.withLock {
            state.jobs.append(job)
            let waitingCount = state.jobs.count - state.next
            if waitingCount > state.idleCount, state.threadCount < Self.threadsMax {
                state.threadCount += 1
                return true
            }
            condition.signal()
            return false
        }
        guard needsThread else { return }
        let thread = Thread { self.run() }
        thread.start()
    }

    /// How many jobs wait for a thread.
    var queuedCount: Int { condition.withLock { state.jobs.count - state.next } }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// How many threads there are.
    var threadCount: Int { condition.withLock { state.threadCount } }

    /// Lets the threads go. One that is blocked goes when it no longer is.
    func close() {
        condition.withLock {
            state.isClosed = true
            condition.broadcast()
        }
    }

    private func run() {
        showName()
        while let job = nextJob() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// Tells the system the name of the current thread; it keeps 15 bytes. Not by `Thread.name`: that knows the thread only once
    /// `start` has returned, and this may run before.
    private func showName() {
        guard let file = fopen("/proc/thread-self/comm", "w") else { return }
        fputs(name, file)
        fclose(file)
    }

    private func nextJob() -> UnownedJob? {
        condition.withLock {
            while state.next == state.jobs.count {
                if state.isClosed {
                    state.threadCount -= 1
                    return nil
                }
                state.idleCount += 1
                condition.wait()
                state.idleCount -= 1
            }
            defer {
                state.next += 1
                if state.next == state.jobs.count {
                    state.jobs.removeAll(keepingCapacity: state.next <= 64)
                    state.next = 0
                } else if state.next >= 1024 {
                    state.jobs.removeFirst(state.next)
                    state.next = 0
                }
            }
            return state.jobs[state.next]
        }
    }
}

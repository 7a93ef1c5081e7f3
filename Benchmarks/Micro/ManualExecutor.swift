/// Runs tasks on the thread that asks it to, a turn at a time: a loop without its system calls.
// SAFETY: all that it runs, and all who ask it to, are on the main thread.
final class ManualExecutor: TaskExecutor, @unchecked Sendable {
    /// Tasks that were started, and have not ended well.
    private(set) var tasksCount = 0
    private var jobs: [UnownedJob] = []
    private var jobsOfTurn: [UnownedJob] = []

    func enqueue(_ job: consuming ExecutorJob) {
        jobs.append(UnownedJob(job))
    }

    /// Starts a task; it runs with the turns.
    func start(_ operation: @escaping @Sendable () async throws -> Void) {
        tasksCount += 1
        Task(executorPreference: self) { [self] in
            try await operation()
            tasksCount -= 1
        }
    }

    /// Runs what is ready now. What becomes ready by that is left for the next turn.
    func runTurn() {
        swap(&jobs, &jobsOfTurn)
        for job in jobsOfTurn { job.runSynchronously(on: asUnownedTaskExecutor()) }
        jobsOfTurn.removeAll(keepingCapacity: true)
    }

    /// Runs an operation that waits for nothing, to its end.
    func run(_ operation: @escaping @Sendable () async throws -> Void) {
        start(operation)
        runTurn()
        precondition(tasksCount == 0, "It waits, or has failed")
    }
}

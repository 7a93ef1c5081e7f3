/// What other threads leave for a loop, until its next turn.
struct LoopInbox {
    var jobs: [UnownedJob] = []
    var deadlines: [(Deadline, ContinuousClock.Instant)] = []
    var cancellations: [Deadline] = []
    var actions: [@Sendable () -> Void] = []
    var stops = false

    /// The loop is about to wait, or waits, and nobody has rung its bell yet.
    var ownerSleeps = false

    var hasContent: Bool {
        !jobs.isEmpty || !deadlines.isEmpty || !cancellations.isEmpty || !actions.isEmpty || stops
    }
}

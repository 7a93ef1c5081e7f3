/// What other threads leave for a loop, until its next turn.
struct LoopInbox {
    var work: [ReadyWork] = []
    var deadlines: [(Deadline, ContinuousClock.Instant)] = []
    var cancellations: [Deadline] = []
    var stops = false

    /// The loop is about to wait, or waits, and nobody has rung its bell yet.
    var ownerSleeps = false

    var hasContent: Bool {
        !work.isEmpty || !deadlines.isEmpty || !cancellations.isEmpty || stops
    }
}

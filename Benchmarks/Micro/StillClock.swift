import Channels

/// Time as it is. What is scheduled never runs: nothing expires meanwhile, and the loop's part is not measured.
struct StillClock: ChannelClock {
    struct Never: ScheduledAction { func cancel() {} }

    var now: ContinuousClock.Instant { .now }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        Never()
    }
}

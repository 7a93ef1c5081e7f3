import Channels

/// The time as it is, for backends under test that take no other. An action is a task that sleeps until its instant.
struct RealClock: ChannelClock {
    var now: ContinuousClock.Instant { .now }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        Scheduled(
            task: Task {
                try await Task.sleep(until: instant, clock: .continuous)
                action()
            })
    }

    private struct Scheduled: ScheduledAction {
        let task: Task<Void, any Error>

        func cancel() { task.cancel() }
    }
}

import Channels
import Synchronization

/// A clock that a test moves by hand.
final class HandClock: ChannelClock {
    private struct State {
        var now = ContinuousClock.now
        var lastNumber = 0
        var actions: [Int: (instant: ContinuousClock.Instant, run: @Sendable () -> Void)] = [:]
    }
    private let state = Mutex(State())

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        state.withLock { state in
            state.lastNumber += 1
            state.actions[state.lastNumber] = (instant, action)
            return Cancellation(clock: self, number: state.lastNumber)
        }
    }

    /// Moves on, then runs what fell due, the earliest first.
    func advance(by duration: Duration) {
        state.withLock { $0.now += duration }
        while let run = takeDueAction() { run() }
    }

    private func takeDueAction() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let due = state.actions.filter { $0.value.instant <= state.now }
            guard let next = due.min(by: { $0.value.instant < $1.value.instant }) else { return nil }
            return state.actions.removeValue(forKey: next.key)?.run
        }
    }

    private struct Cancellation: ScheduledAction {
        let clock: HandClock
        let number: Int

        func cancel() { clock.state.withLock { _ = $0.actions.removeValue(forKey: number) } }
    }
}

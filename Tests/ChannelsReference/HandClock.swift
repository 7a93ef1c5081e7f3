import Channels
import Synchronization

/// A clock that stands still until a test moves it.
final class HandClock: ChannelClock {
    private struct State {
        var now = ContinuousClock.now
        var actions: [(at: ContinuousClock.Instant, id: Int, run: @Sendable () -> Void)] = []
        var lastID = 0
    }
    private let state = Mutex(State())

    var now: ContinuousClock.Instant { state.withLock { $0.now } }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        state.withLock { state in
            state.lastID += 1
            state.actions.append((instant, state.lastID, action))
            return Scheduled(clock: self, id: state.lastID)
        }
    }

    /// How many actions wait for their time.
    var scheduledCount: Int { state.withLock(\.actions.count) }

    /// Moves on by `duration`, and runs what falls due on the way, in order, each at its instant.
    func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while true {
            let action: (@Sendable () -> Void)? = state.withLock { state in
                guard let next = state.actions.indices.min(by: { state.actions[$0].at < state.actions[$1].at }),
                    state.actions[next].at <= end
                else {
                    state.now = end
                    return nil
                }
                let action = state.actions.remove(at: next)
                state.now = max(state.now, action.at)
                return action.run
            }
            guard let action else { return }
            action()
        }
    }

    private struct Scheduled: ScheduledAction {
        let clock: HandClock
        let id: Int
        func cancel() { clock.state.withLock { state in state.actions.removeAll { $0.id == id } } }
    }
}

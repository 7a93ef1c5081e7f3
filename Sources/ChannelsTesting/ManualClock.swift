public import Channels
import Synchronization

/// A clock that stands still until it is moved. It begins at the real instant at which it is made.
///
/// All operations may be called from any thread.
public final class ManualClock: ChannelClock {
    private struct Action {
        let instant: ContinuousClock.Instant
        let number: Int
        let run: @Sendable () -> Void
    }

    private struct State {
        var now = ContinuousClock.now
        var lastNumber = 0
        var actions: [Int: Action] = [:]
    }

    private let state = Mutex(State())

    /// A clock that says the real instant, and goes on saying it.
    public init() {}

    /// The instant to which it was moved.
    public var now: ContinuousClock.Instant { state.withLock(\.now) }

    /// How many actions wait for their time.
    public var scheduledCount: Int { state.withLock(\.actions.count) }

    /// Calls `action` in the call of ``advance(by:)`` that reaches `instant`; from a task, soon, where that has passed already.
    public func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        let (number, isDue) = state.withLock { state in
            state.lastNumber += 1
            state.actions[state.lastNumber] = Action(instant: instant, number: state.lastNumber, run: action)
            return (state.lastNumber, instant <= state.now)
        }
        // The clock may have been moved between the caller's decision and this call; nobody might move it again.
        if isDue { Task { advance(by: .zero) } }
        return Scheduled(clock: self, number: number)
    }

    /// Moves on by `duration`, and runs what falls due on the way, in order, each at its instant. O(actions) for each.
    public func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while let action = takeAction(dueAt: end) { action.run() }
    }

    /// Moves to the next action that is due by `end`, and takes it out; to `end` where there is none.
    private func takeAction(dueAt end: ContinuousClock.Instant) -> Action? {
        state.withLock { state in
            let next = state.actions.values.min { ($0.instant, $0.number) < ($1.instant, $1.number) }
            guard let next, next.instant <= end else {
                state.now = max(state.now, end)
                return nil
            }
            state.actions[next.number] = nil
            state.now = max(state.now, next.instant)
            return next
        }
    }

    private struct Scheduled: ScheduledAction {
        let clock: ManualClock
        let number: Int

        func cancel() { clock.state.withLock { _ = $0.actions.removeValue(forKey: number) } }
    }
}

import Channels
import Synchronization

/// The one sweep that is to come.
///
/// Until it is cancelled, the clock holds the plan by it, and the writer too.
final class SweepPlan: Sendable {
    private let clock: any ChannelClock
    private let state = Mutex(State.none)

    private enum State {
        case none
        /// With what the clock has of it; nil while that is being asked for, or while it is under way.
        case planned((any ScheduledAction)?)
        case cancelled
    }

    private static let interval = Duration.seconds(1)

    init(on clock: any ChannelClock) { self.clock = clock }

    /// Plans a sweep for a second after `instant`, unless there is one.
    func planOne(for writer: Writer, after instant: ContinuousClock.Instant) {
        let isNew = state.withLock { state in
            guard case .none = state else { return false }
            state = .planned(nil)
            return true
        }
        if isNew { plan(for: writer, after: instant) }
    }

    /// No sweep comes any more. The clock may live for ever, and keeps nothing of a layer that is closed.
    func cancel() {
        let action: (any ScheduledAction)? = state.withLock { state in
            defer { state = .cancelled }
            if case .planned(let action) = state { return action }
            return nil
        }
        action?.cancel()
    }

    private func plan(for writer: Writer, after instant: ContinuousClock.Instant) {
        let action = clock.schedule(at: instant.advanced(by: Self.interval)) { self.sweep(writer) }
        let isCancelled = state.withLock { state in
            guard case .planned = state else { return true }
            state = .planned(action)
            return false
        }
        if isCancelled { action.cancel() }
    }

    private func sweep(_ writer: Writer) {
        // From the instant of the sweep, not from when its outcome is heard: the clock may be far ahead by then.
        let operation = { @Sendable (store: Store) in (outcome: try store.sweep(), at: store.now) }
        let call = TypedCall(operation) { [self, writer] result in
            switch result {
            case .success((.more, _)): sweep(writer)  // others have their turn in between
            case .success((.later, let time)): plan(for: writer, after: writer.instant(of: time))
            case .success((.nothingStored, _)): endPlan()  // the next store plans one
            case .failure: plan(for: writer, after: clock.now)
            }
        }
        writer.enqueue(call)
    }

    private func endPlan() {
        state.withLock { state in
            if case .planned = state { state = .none }
        }
    }
}

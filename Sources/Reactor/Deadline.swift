import Synchronization

/// An action that a loop will run, once, at some instant; see ``EventLoop/schedule(at:_:)``.
// SAFETY: `action` and the place in the heap belong to the loop; `state` is atomic.
package final class Deadline: DeadlineEntry, @unchecked Sendable {
    private let loop: EventLoop
    private var action: (@Sendable () -> Void)?
    private let state = Atomic<UInt8>(Deadline.pending)

    private static let pending: UInt8 = 0
    private static let over: UInt8 = 1

    init(on loop: EventLoop, _ action: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.action = action
    }

    var isCancelled: Bool { state.load(ordering: .relaxed) == Self.over }

    /// Any thread, any number of times, also after the action has run. An action that runs at this instant may still finish.
    package func cancel() {
        _ = cancels()
    }

    /// True where this is what keeps the action from running.
    func cancels() -> Bool {
        guard endsNow() else { return false }
        loop.cancel(self)
        return true
    }

    override func isDue(at now: ContinuousClock.Instant) {
        guard endsNow() else { return }
        let action = self.action.take()
        action?()
    }

    /// True for the one who gets there first: the action or its cancellation.
    private func endsNow() -> Bool {
        state.compareExchange(expected: Self.pending, desired: Self.over, ordering: .acquiringAndReleasing).exchanged
    }
}

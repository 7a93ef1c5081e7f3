/// Where a backend has its time from: a loop in the server, a clock that is moved by hand in tests.
///
/// Instants are those of `ContinuousClock`, which a change of the wall clock does not move.
public protocol ChannelClock: Sendable {
    var now: ContinuousClock.Instant { get }

    /// Calls `action` once at `instant` or soon after it, from any thread, unless cancelled before.
    ///
    /// `action` must not block. May be called from any thread; never calls `action` before it returns.
    func schedule(at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction
}

/// An action that a ``ChannelClock`` will run.
public protocol ScheduledAction: Sendable {
    /// Any thread, any number of times. An action that runs at this instant may still finish.
    func cancel()
}

import Channels
import Reactor

/// The backends' time: deadlines run on the loop that sets them, so that a wait begins and ends on its own thread.
struct LoopClock: ChannelClock {
    /// For what is scheduled off the loops: while a backend is made, and by one that runs on threads of its own.
    let fallback: EventLoop

    var now: ContinuousClock.Instant { .now }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        (EventLoop.current ?? fallback).schedule(at: instant, action)
    }
}

extension Deadline: ScheduledAction {}

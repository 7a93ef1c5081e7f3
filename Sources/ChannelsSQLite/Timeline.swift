import Glibc

/// The time of a file: nanoseconds, which go on over restarts.
///
/// While the file is open it runs with the layer's clock, so that a change of the wall clock moves no deadline. At open
/// it goes on at the wall clock or, where that is behind, where it stopped: time during which the server was down
/// counts, unless the wall clock was set back meanwhile; it never runs backwards. A wall clock that is wrong at that
/// moment, and ahead, lets expire early what waits.
struct Timeline: Sendable {
    private let start: ContinuousClock.Instant
    private let atStart: Int64

    /// - Parameters:
    ///   - stopped: where the file's time stood last, in nanoseconds since 1970; 0 for a new one.
    ///   - wall: the wall clock, in the same unit.
    init(stopped: Int64, wall: Int64, at start: ContinuousClock.Instant) {
        self.start = start
        atStart = max(stopped, wall)
    }

    func time(at instant: ContinuousClock.Instant) -> Int64 { atStart + start.duration(to: instant).nanoseconds }

    /// Nanoseconds since 1970 by the wall clock.
    static func wallClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Rounded down. At most 1,000,000,000 s, so it fits.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

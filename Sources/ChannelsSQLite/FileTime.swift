import Channels
import Glibc

/// An instant on a file's timeline, with the wall clock's at the same moment; both in nanoseconds since 1970.
struct FileInstant: Equatable {
    /// What deadlines are compared with.
    var time: Int64
    var wall: Int64
}

/// The time of a file: nanoseconds, which go on over restarts.
///
/// While the file is open it runs with the layer's clock, so that a change of the wall clock moves no deadline. What passed
/// while it was closed is by how much the wall clock has gone on since the last commit: time during which the server was
/// down counts, unless the wall clock was set back meanwhile; the timeline never runs backwards. A wall clock that was set
/// while the file was open changes nothing. One that jumps ahead while the server is down lets expire early what waits.
struct FileTime: Sendable {
    private let clock: any ChannelClock
    private let wall: @Sendable () -> Int64
    private let start: ContinuousClock.Instant
    private let atStart: Int64

    /// - Parameters:
    ///   - stopped: the last instant that the file knows of; nil for a new one, which begins at the wall clock.
    ///   - wall: tells the wall clock, in nanoseconds since 1970.
    init(after stopped: FileInstant?, clock: any ChannelClock, wall: @escaping @Sendable () -> Int64) {
        self.clock = clock
        self.wall = wall
        start = clock.now
        let now = wall()
        atStart = stopped.map { $0.time + max(0, now - $0.wall) } ?? now
    }

    var now: FileInstant { FileInstant(time: atStart + start.duration(to: clock.now).nanoseconds, wall: wall()) }

    /// When it is that time on the layer's clock.
    func instant(of time: Int64) -> ContinuousClock.Instant { start.advanced(by: .nanoseconds(time - atStart)) }

    /// Nanoseconds since 1970 by the wall clock.
    static func wallClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        // Up to the year 2200: the longest expiry has room after that.
        return Int64(min(time.tv_sec, 7_258_118_400)) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Rounded down. At most 1,000,000,000 s, so it fits.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

/// An instant of the layer's clock as plain nanoseconds: most of what the layer keeps has one or two, and those of the
/// standard library are compared and copied by calls. It reaches 290 years in both directions.
struct Instant: Comparable, Sendable {
    private var nanoseconds: Int64

    /// All instants count from here.
    private static let origin = ContinuousClock.now

    /// After all others.
    static var distantFuture: Instant { Instant(nanoseconds: .max) }

    private init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    init(_ instant: ContinuousClock.Instant) {
        nanoseconds = Span(Self.origin.duration(to: instant)).nanoseconds
    }

    /// The same on the clock.
    var onClock: ContinuousClock.Instant { Self.origin + .nanoseconds(nanoseconds) }

    /// A duration that is added often.
    struct Span: Sendable {
        fileprivate let nanoseconds: Int64

        init(_ duration: Duration) {
            nanoseconds = Int64(clamping: duration.attoseconds / 1_000_000_000)
        }
    }

    @inline(__always)
    static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    @inline(__always)
    static func + (instant: Self, span: Span) -> Self {
        var instant = instant
        instant.nanoseconds += span.nanoseconds
        return instant
    }

    static func + (instant: Self, duration: Duration) -> Self { instant + Span(duration) }
    static func += (instant: inout Self, duration: Duration) { instant = instant + duration }
    static func - (later: Self, earlier: Self) -> Duration { .nanoseconds(later.nanoseconds - earlier.nanoseconds) }
}

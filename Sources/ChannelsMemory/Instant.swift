/// An instant of the layer's clock as plain nanoseconds: most of what the layer keeps has one or two, and those of the
/// standard library are compared and copied by calls. It reaches 290 years in both directions; what is later is as late as
/// that.
struct Instant: Comparable, Sendable {
    private var nanoseconds: Int64

    /// All instants count from here.
    private static let origin = ContinuousClock.now

    /// After all others: that of nothing.
    static var distantFuture: Instant { Instant(nanoseconds: .max) }

    /// The last one that something may have.
    private static var last: Instant { Instant(nanoseconds: .max - 1) }

    @inline(__always)
    private init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    init(_ instant: ContinuousClock.Instant) {
        self = Instant(nanoseconds: 0) + Span(Self.origin.duration(to: instant))
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
        let (sum, overflows) = instant.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return overflows || sum == .max ? .last : Instant(nanoseconds: sum)
    }

    static func + (instant: Self, duration: Duration) -> Self { instant + Span(duration) }
    static func += (instant: inout Self, duration: Duration) { instant = instant + duration }
    static func - (later: Self, earlier: Self) -> Duration { .nanoseconds(later.nanoseconds - earlier.nanoseconds) }
}

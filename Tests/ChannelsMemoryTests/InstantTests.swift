import Testing

@testable import ChannelsMemory

@Suite("Instants as plain nanoseconds")
struct InstantTests {
    @Test("They are those of the clock, to the nanosecond")
    func sameAsClock() {
        let start = ContinuousClock.now
        for duration in [Duration.zero, .nanoseconds(1), .seconds(1_000_000_000), .seconds(-1)] {
            let instant = Instant(start) + duration
            #expect(instant.onClock == start + duration)
            #expect(instant - Instant(start) == duration)
        }
    }

    @Test("What is too late to be told is later than all else that expires, and earlier than nothing")
    func saturation() {
        let now = Instant(.now)
        for duration in [Duration.seconds(10_000_000_000), .seconds(Int64.max)] {
            let late = now + duration
            #expect(late > now + .seconds(4_000_000_000) && late < .distantFuture)
            #expect(late + .seconds(1) >= late && late + .seconds(1) < .distantFuture)
        }
    }
}

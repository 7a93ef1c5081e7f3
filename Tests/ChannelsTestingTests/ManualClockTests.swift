import Channels
import ChannelsTesting
import Synchronization
import Testing

@Suite("A clock that is moved by hand")
struct ManualClockTests {
    private let clock = ManualClock()

    @Test("What falls due on the way runs in order, each at its instant; what was cancelled does not")
    func order() {
        let start = clock.now
        let ran = Mutex<[Int: Duration]>([:])
        let order = Mutex<[Int]>([])
        for seconds in [3, 1, 2, 5] {
            let action = clock.schedule(at: start + .seconds(seconds)) { [clock] in
                order.withLock { $0.append(seconds) }
                ran.withLock { $0[seconds] = start.duration(to: clock.now) }
            }
            if seconds == 2 { action.cancel() }
        }
        clock.advance(by: .seconds(4))
        #expect(order.withLock { $0 } == [1, 3])
        #expect(ran.withLock { $0 } == [1: .seconds(1), 3: .seconds(3)])
        #expect(clock.now == start + .seconds(4))
        #expect(clock.scheduledCount == 1)
        // The last one holds the clock that holds it.
        clock.advance(by: .seconds(1))
        #expect(clock.scheduledCount == 0)
    }

    @Test("What is scheduled for an instant that has passed runs though nobody moves the clock again")
    func passed() async {
        await withCheckedContinuation { continuation in
            _ = clock.schedule(at: clock.now) { continuation.resume() }
        }
        #expect(clock.scheduledCount == 0)
    }
}

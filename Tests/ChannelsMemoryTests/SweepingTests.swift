import Channels
import Synchronization
import Testing

@testable import ChannelsMemory

@Suite("What is done in the background, while others send")
struct SweepingTests {
    /// As the clock of a busy loop: what is due runs once a turn.
    private final class TurnClock: ChannelClock {
        private let state = Mutex(State())

        private struct State {
            var now = ContinuousClock.now
            var actions: [(at: ContinuousClock.Instant, run: @Sendable () -> Void)] = []
        }

        var now: ContinuousClock.Instant { state.withLock { $0.now } }

        func schedule(
            at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
        ) -> any ScheduledAction {
            state.withLock { $0.actions.append((instant, action)) }
            return Uncancelled()
        }

        func turn(_ duration: Duration) {
            let due = state.withLock { state in
                state.now += duration
                let due = state.actions.filter { $0.at <= state.now }
                state.actions.removeAll { $0.at <= state.now }
                return due
            }
            for action in due { action.run() }
        }

        /// A backend bears that an action runs which it has replaced.
        private struct Uncancelled: ScheduledAction {
            func cancel() {}
        }
    }

    @Test("Sweeping keeps up with whatever is sent")
    func keepsUp() async throws {
        let clock = TurnClock()
        let backend = MemoryBackend(clock: clock, epoch: 1)
        let options = SendOptions(expiry: .milliseconds(100))
        let sendsPerTurn = 64
        var name = 0
        for _ in 0..<3000 {
            for _ in 0..<sendsPerTurn {
                name += 1
                _ = try backend.sendAtOnce(
                    Message(content: [0x31]), to: ChannelName("c\(name)"), options: options)
            }
            clock.turn(.milliseconds(1))
        }
        // A tenth of a second's worth has not expired; the rest may be late by a second or so, of three.
        #expect(try await backend.stats().pending! < 1100 * sendsPerTurn)
    }

    @Test("A flush ends, whatever comes meanwhile")
    func flushEnds() throws {
        var now = Instant(.now)
        let state = LayerState(settings: LayerSettings(), epoch: 1, now: now)
        var name = 0
        func send(_ count: Int) throws {
            for _ in 0..<count {
                name += 1
                _ = try state.send(
                    Message(content: [0x31]), to: ChannelName("c\(name)"),
                    expiry: .milliseconds(1), now: now)
            }
        }
        try send(30_000)
        let progress = state.flush(now: now)
        var slices = 1
        while !state.flushSlice(progress, now: now), slices < 2000 {
            slices += 1
            now += .milliseconds(1)
            try send(128)
        }
        #expect(slices < 2000)
    }
}

import Channels
import Synchronization

/// The one sweep that is to come.
final class SweepPlan: Sendable {
    private let clock: any ChannelClock
    private let isPlanned = Mutex(false)

    private static let interval = Duration.seconds(1)

    init(on clock: any ChannelClock) { self.clock = clock }

    /// Plans a sweep for a second after `instant`, unless there is one.
    func planOne(for writer: Writer, after instant: ContinuousClock.Instant) {
        let isNew = isPlanned.withLock { isPlanned in
            defer { isPlanned = true }
            return !isPlanned
        }
        if isNew { plan(for: writer, after: instant) }
    }

    private func plan(for writer: Writer, after instant: ContinuousClock.Instant) {
        _ = clock.schedule(at: instant.advanced(by: Self.interval)) { [weak self, weak writer] in
            // The clock, which may live for ever, keeps nothing of a layer that is closed.
            if let self, let writer { self.sweep(writer) }
        }
    }

    private func sweep(_ writer: Writer) {
        // From the instant of the sweep, not from when its outcome is heard: the clock may be far ahead by then.
        let operation = { @Sendable (store: Store) in (outcome: try store.sweep(), at: store.now) }
        let call = TypedCall(operation) { [weak self, weak writer] result in
            guard let self, let writer else { return }
            switch result {
            case .success((.more, _)): self.sweep(writer)  // others have their turn in between
            case .success((.later, let time)): self.plan(for: writer, after: writer.instant(of: time))
            case .success((.nothingStored, _)): self.isPlanned.withLock { $0 = false }  // the next store plans one
            case .failure where writer.isClosing: break
            case .failure: self.plan(for: writer, after: self.clock.now)
            }
        }
        writer.enqueue(call)
    }
}

import Channels
import Synchronization

/// The one sweep that is to come.
final class SweepPlan: Sendable {
    private let isPlanned = Mutex(false)

    private static let interval = Duration.seconds(1)

    /// Plans a sweep, unless there is one.
    func planOne(for writer: Writer, on clock: any ChannelClock) {
        let isNew = isPlanned.withLock { isPlanned in
            defer { isPlanned = true }
            return !isPlanned
        }
        guard isNew else { return }
        _ = clock.schedule(at: clock.now.advanced(by: Self.interval)) { [weak writer, weak self] in
            guard let writer, let self else { return }
            sweep(writer)
        }
    }

    private func sweep(_ writer: Writer) {
        let call = TypedCall({ store in try store.sweep() }) { [weak writer, weak self] outcome in
            guard let writer, let self else { return }
            if case .success(true) = outcome {
                sweep(writer)  // others have their turn in between
            } else {
                isPlanned.withLock { $0 = false }  // the writer plans the next, after this batch
            }
        }
        writer.enqueue(call, isEssential: true)
    }
}

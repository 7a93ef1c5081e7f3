import Channels
import Synchronization

/// A receive does not return, not even when it is cancelled; not before the backend is shut down.
final class NeverAnswering: WrappingBackend {
    let base: any ChannelBackend
    private let suspended = Mutex<[CheckedContinuation<Void, Never>]>([])

    init(base: any ChannelBackend) { self.base = base }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        await withCheckedContinuation { continuation in suspended.withLock { $0.append(continuation) } }
        return []
    }

    func shutdown() async {
        for continuation in suspended.withLock({ $0 }) { continuation.resume() }
    }
}

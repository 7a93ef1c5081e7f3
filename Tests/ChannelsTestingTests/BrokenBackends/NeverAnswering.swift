import Channels
import ChannelsReference
import Synchronization

/// A receive does not return, not even when it is cancelled; not before the backend is shut down.
final class NeverAnswering: WrappingBackend {
    let base: any WaitingChannelBackend
    private let state = Mutex(State())

    private struct State {
        var suspended: [CheckedContinuation<Void, Never>] = []
        var isShutDown = false
    }

    init(base: any WaitingChannelBackend) { self.base = base }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        await withCheckedContinuation { continuation in
            let isShutDown = state.withLock { state in
                if !state.isShutDown { state.suspended.append(continuation) }
                return state.isShutDown
            }
            if isShutDown { continuation.resume() }
        }
        return []
    }

    func shutdown() async {
        let suspended = state.withLock { state in
            state.isShutDown = true
            return state.suspended
        }
        for continuation in suspended { continuation.resume() }
    }
}

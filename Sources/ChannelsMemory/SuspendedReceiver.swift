import Channels
import Synchronization

/// A task that waits for messages.
final class SuspendedReceiver: WaitingReceiver {
    private enum State {
        case waiting(UnsafeContinuation<[Delivery]?, Never>?)
        case ended([Delivery]?)
    }

    private let state = Mutex(State.waiting(nil))

    func waitEnded(with deliveries: [Delivery]?) {
        let continuation = state.withLock { state in
            guard case .waiting(let continuation) = state else { preconditionFailure("A wait ends once") }
            state = .ended(deliveries)
            return continuation
        }
        continuation?.resume(returning: deliveries)
    }

    /// Suspends until the wait ends, which cancellation of the task makes it do.
    ///
    /// - Throws: `CancellationError`, where the wait was cancelled and has taken nothing.
    func deliveries(of wait: any ReceiveWait) async throws -> [Delivery] {
        let deliveries = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<[Delivery]?, Never>) in
                let end: [Delivery]?? = state.withLock { state in
                    if case .ended(let deliveries) = state { return .some(deliveries) }
                    state = .waiting(continuation)
                    return nil
                }
                if let end { continuation.resume(returning: end) }
            }
        } onCancel: {
            wait.cancel()
        }
        guard let deliveries else { throw CancellationError() }
        return deliveries
    }
}

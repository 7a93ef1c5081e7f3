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

    /// Suspends until the wait ends; the deadline, and cancellation of the task, make it end.
    ///
    /// - Throws: `CancellationError`, where the task was cancelled and nothing has been taken.
    func deliveries(
        of wait: any ReceiveWait, until deadline: ContinuousClock.Instant, on clock: any ChannelClock
    ) async throws -> [Delivery] {
        let timeLimit = clock.schedule(at: deadline) { wait.end() }
        defer { timeLimit.cancel() }
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
            wait.end()
        }
        if deliveries == nil { try Task.checkCancellation() }
        return deliveries ?? []
    }
}

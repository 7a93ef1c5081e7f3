import Channels
import HTTPCore
import Synchronization

/// A receive that waits without a task.
// SAFETY: `wait` and `isTimedOut` belong to the loop of the exchange. `deliveries` is set by the first call of `waitEnded`,
// before the exchange hears of it, and read by its loop after that.
final class ParkedReceive: EndpointWait, WaitingReceiver, @unchecked Sendable {
    let deadline: ContinuousClock.Instant
    private let form: DeliveryForm
    private let exchange: any HTTPExchange
    /// The backend's side of it.
    var wait: (any ReceiveWait)?
    private var isTimedOut = false
    private var deliveries: [Delivery]?
    private let hasEnded = Atomic(false)

    init(_ form: DeliveryForm, until deadline: ContinuousClock.Instant, exchange: any HTTPExchange) {
        self.form = form
        self.deadline = deadline
        self.exchange = exchange
    }

    func waitEnded(with deliveries: [Delivery]?) {
        // A backend that tells it twice must not end the connection's next wait.
        guard !hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.deliveries = deliveries
        exchange.waitEnded()
    }

    func end(_ cause: WaitEndCause) {
        if cause == .timeLimit { isTimedOut = true }
        wait?.end()
    }

    func response() throws -> HTTPResponse {
        guard let deliveries = deliveries ?? (isTimedOut ? [] : nil) else { throw CancellationError() }
        return form.answer(with: deliveries)
    }
}

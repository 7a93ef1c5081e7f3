import Channels
import HTTPCore

/// A receive that waits without a task.
// SAFETY: `wait` is set once, on the loop of the exchange, before anybody asks for it. `deliveries` is set by the one call of
// `waitEnded`, before the exchange hears of it, and read by its loop after that.
final class ParkedReceive: EndpointWait, WaitingReceiver, @unchecked Sendable {
    private let form: DeliveryForm
    private let exchange: any HTTPExchange
    /// The backend's side of it.
    var wait: (any ReceiveWait)?
    private var deliveries: [Delivery]?

    init(_ form: DeliveryForm, exchange: any HTTPExchange) {
        self.form = form
        self.exchange = exchange
    }

    func waitEnded(with deliveries: [Delivery]?) {
        self.deliveries = deliveries
        exchange.waitEnded()
    }

    func cancel() {
        wait?.cancel()
    }

    func response() throws -> HTTPResponse {
        guard let deliveries else { throw CancellationError() }
        return form.answer(with: deliveries)
    }
}

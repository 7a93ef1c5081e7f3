import Channels
import ChannelsMemory

/// Receivers that wait, each on a channel of its own.
extension Operation {
    static var waiting: [Operation] { [park, sendToParked] }

    private static var park: Operation {
        Operation("memory: a receiver parks") {
            let receivers = Receivers()
            return Batch(work: { receivers.park() }, end: { receivers.end() })
        }
    }

    private static var sendToParked: Operation {
        Operation("memory: send to a parked receiver") {
            let receivers = Receivers()
            receivers.park()
            let messages = Workload.messages()
            return Batch(work: { receivers.send(messages) }, end: { receivers.end() })
        }
    }
}

/// As many receivers as there are repetitions.
private final class Receivers {
    private let backend = Workload.makeBackend()
    private let channels = Workload.names().map { [$0] }
    private let receiver = Receiver()
    private var waits: [any ReceiveWait] = []

    private final class Receiver: WaitingReceiver {
        func waitEnded(with deliveries: [Delivery]?) { keep(deliveries) }
    }

    func park() {
        for names in channels {
            let start = try! backend.receiveManyAtOnce(names, options: Workload.receiveOptions, orWait: receiver)
            guard case .waits(let wait) = start else { preconditionFailure("there is a message") }
            waits.append(wait)
        }
    }

    /// One message to each.
    func send(_ messages: [Message]) {
        for (names, message) in zip(channels, messages) {
            let receipt = try! backend.sendAtOnce(message, to: names[0], options: SendOptions())
            precondition(receipt?.pending == 0, "nobody waits")
            keep(receipt)
        }
    }

    func end() {
        for wait in waits { wait.end() }
    }
}

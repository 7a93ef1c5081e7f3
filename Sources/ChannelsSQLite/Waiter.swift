import Channels

/// A receiver in wait.
// SAFETY: what changes is touched by the writer's thread only; `resume` is set before that thread hears of it.
final class Waiter: @unchecked Sendable {
    /// Each once; of a mailbox none of its channels.
    let names: [ChannelName]
    let queues: Set<String>
    let options: ReceiveOptions
    /// Receivers are served in this order.
    var arrival: UInt64 = 0
    var isParked = false
    /// How it ended before it was parked: it is not to be.
    var end: WaitEnd?
    private(set) var deliveries: [Delivery] = []
    private var contentBytes = 0
    /// Told once how the wait ended, on the writer's thread: with what was taken, or with nothing.
    var resume: (@Sendable ([Delivery]) -> Void)?

    init(_ names: [ChannelName], options: ReceiveOptions) {
        self.names = names
        self.queues = Set(names.map(\.queue.rawValue))
        self.options = options
    }

    func add(_ delivery: Delivery) {
        deliveries.append(delivery)
        contentBytes += delivery.message.content.count
    }

    /// Undoes what it was given: it waits on.
    func giveUpDeliveries() {
        deliveries = []
        contentBytes = 0
    }

    /// Whether another message of that size fits. The first always does.
    func hasRoom(forBytes size: Int) -> Bool {
        deliveries.isEmpty
            || (deliveries.count < options.messagesMax && contentBytes + size <= options.contentBytesMax)
    }
}

/// What ends a wait that nothing has served.
enum WaitEnd {
    /// Not before it has looked.
    case timeLimit
    case cancellation
}

import Channels

/// A receiver in wait.
///
/// How a wait ends: under the layer's lock, once. Whoever comes first (a message, its owner) sets `outcome`
/// and takes the links out of all lists; whoever comes later finds it set. The receiver hears of it outside the lock.
// SAFETY: everything that changes is touched under the layer's lock only; but once the wait has ended, `outcome` changes no more,
// and the one who takes the wait out of the lock's wake-ups reads it, and takes `receiver`, without the lock.
final class Waiter: @unchecked Sendable {
    enum Outcome {
        case delivered([Delivery])
        /// Before there was anything.
        case ended
    }

    let messagesMax: Int
    let contentBytesMax: Int
    /// Set when it is parked: receivers are served in this order.
    var arrival: UInt64 = 0
    var links: [WaitLink] = []
    var outcome: Outcome?
    /// Copies of the group send in progress.
    var gathered: [Delivery] = []

    /// Who is told. It may hold this wait in turn, until it has heard.
    private var receiver: (any WaitingReceiver)?
    private let backend: MemoryBackend?

    /// - Parameter backend: What ends it on demand; nil for a wait that only messages end.
    init(_ options: ReceiveOptions, receiver: (any WaitingReceiver)? = nil, backend: MemoryBackend? = nil) {
        messagesMax = options.messagesMax
        contentBytesMax = options.contentBytesMax
        self.receiver = receiver
        self.backend = backend
    }

    /// Tells the receiver. Outside the lock, once, after the wait has ended.
    func tellReceiver() {
        let deliveries: [Delivery]? = if case .delivered(let deliveries) = outcome { deliveries } else { nil }
        receiver.take()?.waitEnded(with: deliveries)
    }

    /// Whether another message of that size fits after so many of the same. The first always does.
    func hasRoom(forBytes size: Int, after count: Int) -> Bool {
        count < messagesMax && (count + 1) * size <= contentBytesMax
    }
}

extension Waiter: ReceiveWait {
    func end() {
        backend?.end(self)
    }
}

/// A waiter on one name.
final class WaitLink {
    /// The two hold each other while the wait lasts.
    let waiter: Waiter
    let place: Place
    var next: WaitLink?
    // SAFETY: held by the list through the chain of `next`.
    unowned(unsafe) var previous: WaitLink?

    enum Place {
        case channel(Channel)
        case mailbox(Queue)
    }

    init(_ waiter: Waiter, at place: Place) {
        self.waiter = waiter
        self.place = place
    }
}

/// The receivers that wait on one name, in order of arrival. All operations O(1).
struct WaitList {
    private(set) var first: WaitLink?
    // SAFETY: held by `first` through the chain of `next`.
    private unowned(unsafe) var last: WaitLink?
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ link: WaitLink) {
        if let last { last.next = link } else { first = link }
        link.previous = last
        last = link
        count += 1
    }

    mutating func remove(_ link: WaitLink) {
        let next = link.next
        let previous = link.previous
        if let previous { previous.next = next } else { first = next }
        if let next { next.previous = previous } else { last = previous }
        link.next = nil
        link.previous = nil
        count -= 1
    }
}

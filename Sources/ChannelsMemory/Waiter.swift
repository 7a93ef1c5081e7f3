import Channels

/// A receiver in wait.
///
/// How a wait ends: under the layer's lock, once. Whoever comes first (a message, the time limit, a cancellation) sets `outcome`
/// and takes the links out of all lists; whoever comes later finds it set. The continuation is resumed outside the lock.
// SAFETY: everything that changes is touched under the layer's lock only.
final class Waiter: @unchecked Sendable {
    enum Outcome {
        case delivered([Delivery])
        case timeLimit
        case cancelled
        /// It could not begin.
        case refused(ChannelError)
    }

    let messagesMax: Int
    let contentBytesMax: Int
    /// Set when it is parked: receivers are served in this order.
    var arrival: UInt64 = 0
    var links: [WaitLink] = []
    var outcome: Outcome?
    var continuation: UnsafeContinuation<Outcome, Never>?

    /// Copies of the group send in progress.
    var gathered: [Delivery] = []

    init(_ options: ReceiveOptions) {
        messagesMax = options.messagesMax
        contentBytesMax = options.contentBytesMax
    }

    /// Lets the receiver go on. Outside the lock, once, after its wait has ended.
    func resume() {
        continuation!.resume(returning: outcome!)
    }

    /// Whether another copy of the group send in progress fits. The first always does.
    func hasRoom(forBytes size: Int) -> Bool {
        gathered.count < messagesMax && (gathered.count + 1) * size <= contentBytesMax
    }
}

/// A waiter on one name.
final class WaitLink {
    // SAFETY: a waiter owns its links; it takes them out of the lists before it goes.
    unowned(unsafe) let waiter: Waiter
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

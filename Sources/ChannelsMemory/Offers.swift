import Channels

/// The copies of one group send, on offer to the first receivers in wait on the members' channels and on their mailboxes; those
/// of the receiver that came first come first.
///
/// How it works. Nearly all channels have one receiver, and it waits for nothing else: their offers are an array, sorted once.
/// Whose first receiver has got enough from another channel meanwhile offers to the next one, and a mailbox offers its
/// members' copies one after the other: such offers stand in a heap.
struct Offers {
    private let stored: StoredMessage
    private let now: Instant
    private let members: [Membership]
    /// What stands in `members`, by the arrival of the first receiver; the last one is next.
    private var first: [(order: CopyOrder, index: Int)] = []
    private var others = IndexedHeap<Offer>()

    /// What `stored`, sent at `now`, offers to who waits in `group`.
    init(of stored: StoredMessage, to group: Group, at now: Instant) {
        self.stored = stored
        self.now = now
        members = group.waitingMemberships
        first.reserveCapacity(members.count)
        for (index, member) in members.enumerated() {
            guard let arrival = member.channel.waiters.first?.waiter.arrival else { continue }
            first.append((CopyOrder(number: arrival, joinStamp: member.joinStamp), index))
        }
        first.sort { $1.order < $0.order }
        for subscription in group.waitingSubscriptions {
            if let member = subscription.firstMember { others.insert(Offer(member, isWholeMailbox: true)) }
        }
    }

    /// The next copy that is to be handed over, and to whom. Both change when it is: the member has got it, the receiver may
    /// wait no more.
    mutating func next() -> (member: Membership, waiter: Waiter)? {
        while true {
            let other = others.first
            if let (order, index) = first.last, other.map({ order < $0.heapKey }) ?? true {
                first.removeLast()
                let member = members[index]
                guard isOpen(member), let waiter = member.channel.waiters.first?.waiter else { continue }
                if waiter.arrival == order.number { return (member, waiter) }
                others.insert(Offer(member, isWholeMailbox: false))
                continue
            }
            guard let other else { return nil }
            let member = other.member
            guard let waiter = other.firstWaiter else {
                others.remove(other)
                continue
            }
            guard isOpen(member) else {
                goOn(other)
                continue
            }
            if waiter.arrival == other.arrival {
                goOn(other)
                return (member, waiter)
            }
            other.arrival = waiter.arrival
            others.update(other)
        }
    }

    private mutating func goOn(_ offer: Offer) {
        if offer.goOn() { others.update(offer) } else { others.remove(offer) }
    }

    /// Whether it is to get a copy, and has not got it yet.
    private func isOpen(_ member: Membership) -> Bool {
        member.deadline > now && member.skippedNumber != stored.number
    }
}

/// A member's copy, on offer to the first receiver in wait on its channel, or on its mailbox.
private final class Offer: HeapItem {
    private(set) var member: Membership
    private let isWholeMailbox: Bool
    /// Of the receiver that was the first when this was last looked at; later ones have greater numbers.
    var arrival: UInt64
    var heapIndex = -1

    init(_ member: Membership, isWholeMailbox: Bool) {
        self.member = member
        self.isWholeMailbox = isWholeMailbox
        arrival = 0
        arrival = firstWaiter?.arrival ?? .max
    }

    /// Nil where nobody waits any more.
    var firstWaiter: Waiter? {
        isWholeMailbox ? member.channel.queue.mailboxWaiters.first?.waiter : member.channel.waiters.first?.waiter
    }

    /// Goes on to the next member of the mailbox; false where there is none.
    func goOn() -> Bool {
        guard isWholeMailbox, let next = member.next else { return false }
        member = next
        return true
    }

    var heapKey: CopyOrder { CopyOrder(number: arrival, joinStamp: member.joinStamp) }
}

import Channels

// Receivers in wait, and how a send finds them.

extension LayerState {
    /// Parks a receiver on its names. Nothing may be there for it.
    ///
    /// - Throws: `layerFull`, where there is no memory for it and its names.
    func park(_ waiter: Waiter, on names: [ChannelName], now: Instant) throws(ChannelError) {
        let bytesNeeded = names.reduce(MemoryCost.waiter) { $0 + MemoryCost.waitLink + bytesToMake($1) }
        try requireMemory(bytesNeeded)
        lastArrival += 1
        waiter.arrival = lastArrival
        waiting += 1
        waiter.links.reserveCapacity(names.count)
        var seen: Set<ObjectIdentifier> = []
        for name in names {
            let queue = makeQueue(of: name, now: now)
            if names.count == 1 || seen.insert(ObjectIdentifier(queue)).inserted { queue.waitingCount += 1 }
            if name.isMailbox {
                let link = WaitLink(waiter, at: .mailbox(queue))
                waiter.links.append(link)
                queue.mailboxWaiters.append(link)
                if queue.mailboxWaiters.count == 1 {
                    for subscription in queue.subscriptions.all { subscription.group.addWaiting(subscription) }
                }
            } else {
                let channel = makeChannel(name, in: queue)
                let link = WaitLink(waiter, at: .channel(channel))
                waiter.links.append(link)
                channel.waiters.append(link)
                if channel.waiters.count == 1 {
                    for membership in channel.memberships { membership.subscription.group.addWaiting(membership) }
                }
            }
        }
        bytes += MemoryCost.waiter + MemoryCost.waitLink * names.count
    }

    /// Ends a wait, unless it has ended: the one place where that is decided.
    func end(_ waiter: Waiter, _ outcome: Waiter.Outcome, now: Instant) {
        guard waiter.outcome == nil else { return }
        waiter.outcome = outcome
        let links = waiter.links
        waiter.links = []
        waiting -= 1
        bytes -= MemoryCost.waiter + MemoryCost.waitLink * links.count
        wakeUps.append(waiter)
        var queues: [ObjectIdentifier: Queue] = [:]
        for link in links {
            let queue = unlink(link)
            if links.count == 1 {
                queue.waitingCount -= 1
                tidy(queue, now: now)
            } else if queues.updateValue(queue, forKey: ObjectIdentifier(queue)) == nil {
                queue.waitingCount -= 1
            }
        }
        for queue in queues.values { tidy(queue, now: now) }
    }

    private func unlink(_ link: WaitLink) -> Queue {
        switch link.place {
        case .mailbox(let queue):
            queue.mailboxWaiters.remove(link)
            if queue.mailboxWaiters.isEmpty {
                for subscription in queue.subscriptions.all { subscription.group.removeWaiting(subscription) }
            }
            return queue
        case .channel(let channel):
            channel.waiters.remove(link)
            if channel.waiters.isEmpty {
                for membership in channel.memberships { membership.subscription.group.removeWaiting(membership) }
            }
            let queue = channel.queue
            tidy(channel, in: queue)
            return queue
        }
    }

    /// Who came first of those that wait for `channel`, on it or on its mailbox.
    func firstWaiter(for channel: Channel) -> Waiter? {
        guard let own = channel.waiters.first else { return channel.queue.mailboxWaiters.first?.waiter }
        guard let mailbox = channel.queue.mailboxWaiters.first else { return own.waiter }
        return own.waiter.arrival < mailbox.waiter.arrival ? own.waiter : mailbox.waiter
    }

    /// Hands copies of a group send to the members' receivers in wait: who came first gets first, one copy without `max`, else
    /// all that are for its channels and fit. Returns the memberships that were served.
    ///
    /// How it works: each channel in wait offers its copy to its first receiver; a heap holds the offers by the receivers'
    /// arrival. A receiver that has enough is answered at once, and so is out of all lists: its other channels then offer
    /// theirs to the next one. A mailbox offers its members' copies one after the other.
    ///
    /// O(log n) a receiver, and what its names cost to take out of their lists.
    func serveWaiters(of group: Group, with stored: StoredMessage, now: Instant) -> [Membership] {
        var offers = IndexedHeap<Offer>()
        for member in group.waitingMemberships where member.isOpen(to: stored, at: now) {
            offers.insert(Offer(member, isWholeMailbox: false))
        }
        for subscription in group.waitingSubscriptions {
            if let member = subscription.firstMember { offers.insert(Offer(member, isWholeMailbox: true)) }
        }
        let size = stored.message.content.count
        var served: [Membership] = []
        var unfilled: [Waiter] = []
        while let offer = offers.first {
            let member = offer.member
            guard member.isOpen(to: stored, at: now) else {
                if offer.goOn() { offers.update(offer) } else { offers.remove(offer) }
                continue
            }
            guard let waiter = offer.firstWaiter else {
                offers.remove(offer)
                continue
            }
            guard waiter.arrival == offer.arrival else {
                offer.arrival = waiter.arrival
                offers.update(offer)
                continue
            }
            member.skippedNumber = stored.number
            served.append(member)
            let queue = member.channel.queue
            countSent(queue)
            queue.lastChange = now
            if waiter.gathered.isEmpty { unfilled.append(waiter) }
            waiter.gathered.append(delivery(of: stored, in: member.channel, joinStamp: member.joinStamp))
            if !waiter.hasRoom(forBytes: size) { end(waiter, .delivered(waiter.gathered), now: now) }
            if offer.goOn() { offers.update(offer) } else { offers.remove(offer) }
        }
        for waiter in unfilled { end(waiter, .delivered(waiter.gathered), now: now) }
        return served
    }
}

extension Membership {
    /// Whether it is to get a copy, and has not got it yet.
    fileprivate func isOpen(to stored: StoredMessage, at now: Instant) -> Bool {
        deadline > now && skippedNumber != stored.number
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

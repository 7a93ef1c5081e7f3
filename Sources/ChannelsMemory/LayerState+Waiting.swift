import Channels

// Receivers in wait, and how a send finds them.

extension LayerState {
    /// Parks a receiver on its names. Nothing may be there for it.
    func park(_ waiter: Waiter, on names: [ChannelName], now: Instant) {
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
                    for subscription in queue.subscriptions { subscription.group.addWaiting(subscription) }
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
        guard !waiter.links.isEmpty else { return }  // never parked
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
                for subscription in queue.subscriptions { subscription.group.removeWaiting(subscription) }
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
    /// arrival. A receiver that has enough is passed by, and the offer goes to the next one in that channel's list. A mailbox
    /// offers its members' copies one after the other.
    func serveWaiters(of group: Group, with stored: StoredMessage, now: Instant) -> [Membership] {
        var offers = IndexedHeap<Offer>()
        for member in group.waitingMemberships where member.deadline > now && member.skippedNumber != stored.number {
            offers.insert(Offer(member, to: member.channel.waiters.first!, isWholeMailbox: false))
        }
        for subscription in group.waitingSubscriptions {
            guard let member = subscription.firstMember else { continue }
            offers.insert(Offer(member, to: subscription.queue.mailboxWaiters.first!, isWholeMailbox: true))
        }
        let size = stored.message.content.count
        var served: [Membership] = []
        var receivers: [Waiter] = []
        while let offer = offers.first {
            let waiter = offer.link.waiter
            let member = offer.member
            let isOpen = member.deadline > now && member.skippedNumber != stored.number
            if isOpen, !waiter.hasRoom(forBytes: size) {
                if let next = offer.link.next {
                    offer.link = next
                    offers.update(offer)
                } else {
                    offers.remove(offer)
                }
                continue
            }
            if isOpen {
                member.skippedNumber = stored.number
                served.append(member)
                if waiter.gathered.isEmpty { receivers.append(waiter) }
                let queue = member.channel.queue
                countSent(queue)
                queue.lastChange = now
                waiter.gathered.append(delivery(of: stored, in: member.channel, joinStamp: member.joinStamp))
            }
            if offer.isWholeMailbox, let next = member.next {
                offer.member = next
                offers.update(offer)
            } else {
                offers.remove(offer)
            }
        }
        for waiter in receivers { end(waiter, .delivered(waiter.gathered), now: now) }
        return served
    }
}

/// A member's copy, on offer to a receiver.
private final class Offer: HeapItem {
    var member: Membership
    var link: WaitLink
    let isWholeMailbox: Bool
    var heapIndex = -1

    init(_ member: Membership, to link: WaitLink, isWholeMailbox: Bool) {
        self.member = member
        self.link = link
        self.isWholeMailbox = isWholeMailbox
    }

    var heapKey: CopyOrder { CopyOrder(number: link.waiter.arrival, joinStamp: member.joinStamp) }
}

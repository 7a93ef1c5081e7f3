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
    /// A receiver that has enough is answered at once, and so is out of all lists: its other channels then offer their copies to
    /// the next one.
    ///
    /// O(log n) a receiver, and what its names cost to take out of their lists.
    func serveWaiters(of group: Group, with stored: StoredMessage, now: Instant) -> [Membership] {
        var offers = Offers(of: stored, to: group, at: now)
        let size = stored.message.content.count
        var served: [Membership] = []
        var unfilled: [Waiter] = []
        while let (member, waiter) = offers.next() {
            member.skippedNumber = stored.number
            served.append(member)
            let queue = member.channel.queue
            countSent(queue)
            queue.lastChange = now
            let delivery = delivery(of: stored, in: member.channel, joinStamp: member.joinStamp)
            if waiter.gathered.isEmpty {
                guard waiter.hasRoom(forBytes: size, after: 1) else {
                    end(waiter, .delivered([delivery]), now: now)
                    continue
                }
                unfilled.append(waiter)
            }
            waiter.gathered.append(delivery)
            if !waiter.hasRoom(forBytes: size, after: waiter.gathered.count) {
                end(waiter, .delivered(waiter.gathered), now: now)
            }
        }
        for waiter in unfilled { end(waiter, .delivered(waiter.gathered), now: now) }
        return served
    }
}

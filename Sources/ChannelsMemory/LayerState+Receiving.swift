import Channels

extension LayerState {
    /// Takes what is there for a receiver, oldest first over its names; settles all of them.
    func receive(
        _ names: [ChannelName], options: ReceiveOptions, now: Instant
    ) -> Attempt<[Delivery]> {
        var budget = holdBudget
        // At the memory limit it is enough if all names together have as many as are taken.
        let share = max(1, options.messagesMax / max(1, names.count))
        var sources: [Source] = []
        for name in names {
            guard let queue = queue(of: name) else { continue }
            guard prepare(queue, now: now, &budget), !budget.isSpent else { return .again }
            // A channel in a mailbox may have to look past all the copies of the others.
            let copiesNeeded = name.isInMailbox ? .max : share - queue.pending
            budget.spend(settle(queue, copiesNeeded: copiesNeeded, now: now))
            if let source = Source(name, in: queue) { sources.append(source) }
        }
        return .done(sources.isEmpty ? [] : take(from: sources, options: options, now: now))
    }

    private func take(from sources: [Source], options: ReceiveOptions, now: Instant) -> [Delivery] {
        // Most receives name one channel, or find messages in one: nothing to choose from.
        let only = sources.count == 1 ? sources[0] : nil
        var heap = IndexedHeap<Source>()
        if only == nil { for source in sources { heap.insert(source) } }
        var deliveries: [Delivery] = []
        var contentBytes = 0
        while deliveries.count < options.messagesMax, let source = only ?? heap.first, let copy = source.oldest {
            contentBytes += copy.stored.message.content.count
            guard deliveries.isEmpty || contentBytes <= options.contentBytesMax else { break }
            let channel = copy.channel
            remove(copy)
            deliveries.append(delivery(of: copy.stored, in: channel, joinStamp: copy.joinStamp))
            channel.queue.lastChange = now
            if only == nil { if source.oldest == nil { heap.remove(source) } else { heap.update(source) } }
            tidy(channel, in: channel.queue)
        }
        for source in sources { tidy(source.queue, now: now) }
        return deliveries
    }

    /// Counts a message as delivered, and makes the delivery.
    func delivery(of stored: StoredMessage, in channel: Channel, joinStamp: UInt64 = 0) -> Delivery {
        channel.queue.counts.delivered += 1
        totals.delivered += 1
        return Delivery(
            id: MessageID(epoch: epoch, number: stored.number), channel: channel.name, group: stored.group,
            message: stored.message,
            receipt: Delivery.Receipt(
                token: purgeStamp,
                reference: joinStamp == 0 ? stored : GroupCopy(stored: stored, joinStamp: joinStamp)))
    }

    /// Takes deliveries back, of which not one byte reached a client, the oldest first: to who waits, else to the head of
    /// their channels.
    func giveBack(_ deliveries: [Delivery], now: Instant) -> Attempt<Void> {
        var budget = holdBudget
        for delivery in deliveries {
            guard let queue = queue(of: delivery.channel) else { continue }
            guard prepare(queue, now: now, &budget) else { return .again }
        }
        // To who waits the oldest first; to the heads of their channels the youngest first, so that none looks for its place.
        let rest = deliveries.filter { !settleReturned($0, now: now) }
        for delivery in rest.reversed() {
            let (stored, joinStamp) = copy(of: delivery)
            let queue = makeQueue(of: delivery.channel, now: now)
            store(stored, in: makeChannel(delivery.channel, in: queue), joinStamp: joinStamp)
        }
        return .done(())
    }

    private func copy(of delivery: Delivery) -> (StoredMessage, joinStamp: UInt64) {
        switch delivery.receipt.reference {
        case let copy as GroupCopy: (copy.stored, copy.joinStamp)
        case let stored as StoredMessage: (stored, 0)
        default: preconditionFailure("a delivery goes back to the backend that it came from")
        }
    }

    /// Takes a delivery out of the counts. True where that is all: it was purged or has expired meanwhile, or somebody waits
    /// for it.
    private func settleReturned(_ delivery: Delivery, now: Instant) -> Bool {
        let (stored, joinStamp) = copy(of: delivery)
        let queue = makeQueue(of: delivery.channel, now: now)
        let channel = makeChannel(delivery.channel, in: queue)
        if queue.counts.delivered > 0 {
            queue.counts.delivered -= 1
        } else {
            queue.counts.sent += 1  // its counts began anew since
        }
        totals.delivered -= 1
        queue.lastChange = now
        if max(queue.purgeStamp, channel.purgeStamp, flushPurgeStamp) > delivery.receipt.token {
            queue.counts.purged += 1
            totals.purged += 1
        } else if stored.deadline <= now {
            queue.counts.expired += 1
            totals.expired += 1
        } else if let waiter = firstWaiter(for: channel) {
            end(waiter, .delivered([self.delivery(of: stored, in: channel, joinStamp: joinStamp)]), now: now)
        } else {
            return false
        }
        tidy(channel, in: queue)
        tidy(queue, now: now)
        return true
    }

    /// Drops what waits in a channel or mailbox. The chains are freed later, a slice at a time.
    func purge(_ name: ChannelName, now: Instant) -> Attempt<Void> {
        purgeStamp += 1
        guard let queue = queue(of: name) else { return .done(()) }
        var budget = holdBudget
        guard prepare(queue, now: now, &budget) else { return .again }
        // All of it, whatever the memory: as many as its capacity at most, and most of them go at once.
        settle(queue, copiesNeeded: .max, now: now)
        queue.lastChange = now
        if name.isInMailbox {
            if queue.purgedChannels.count == Queue.purgedChannelsMax { forgetPurges(in: queue, count: 1) }
            let channel = makeChannel(name, in: queue)
            channel.purgeStamp = purgeStamp
            queue.purgedChannels.append((channel, purgeStamp, now))
            schedule(queue, at: now + Self.countsKept)
            purge(channel, in: queue)
        } else {
            queue.purgeStamp = purgeStamp
            purgeAll(queue)
        }
        tidy(queue, now: now)
        return .done(())
    }

    func purge(_ channel: Channel, in queue: Queue) {
        guard channel.oldest != nil else { return }
        if channel.heapIndex >= 0 { queue.heads.remove(channel) }
        countPurged(channel.count, in: queue)
        channel.purgeCount &+= 1
        garbage.append(Garbage(chain: channel.detachAll(), channel: channel, queue: queue))
    }

    func purgeAll(_ queue: Queue) {
        if queue.isMailbox {
            while let channel = queue.heads.first {
                purge(channel, in: queue)
                tidy(channel, in: queue)
            }
        } else if let channel = queue.channel(queue.name) {
            purge(channel, in: queue)
        }
    }

    /// Lets go of the oldest purges of single channels: what is given back later than that stays.
    func forgetPurges(in queue: Queue, count: Int) {
        let forgotten = queue.purgedChannels.prefix(count)
        queue.purgedChannels.removeFirst(forgotten.count)
        for (channel, stamp, _) in forgotten where channel.purgeStamp == stamp {
            channel.purgeStamp = 0
            tidy(channel, in: queue)
        }
    }

    private func countPurged(_ count: Int, in queue: Queue) {
        queue.counts.purged += count
        totals.purged += count
        queue.pending -= count
        pending -= count
    }
}

/// One name of a receive.
private final class Source: HeapItem {
    let queue: Queue
    /// Nil where the name is that of the mailbox.
    private let channel: Channel?
    var heapIndex = -1

    /// Nil where nothing waits there.
    init?(_ name: ChannelName, in queue: Queue) {
        self.queue = queue
        channel = name.isMailbox ? nil : queue.channel(name)
        guard name.isMailbox || channel != nil, oldest != nil else { return nil }
    }

    var oldest: Copy? { channel.map(\.oldest) ?? queue.oldest }
    var heapKey: CopyOrder { oldest!.order }
}

/// What the delivery of a group copy carries, so that it finds its place again when it is given back.
final class GroupCopy: Sendable {
    let stored: StoredMessage
    let joinStamp: UInt64

    init(stored: StoredMessage, joinStamp: UInt64) {
        self.stored = stored
        self.joinStamp = joinStamp
    }
}

/// Purged copies that wait to be freed; no longer in their channel, still in their queue's `deadlines`.
struct Garbage {
    var chain: Copy?
    let channel: Channel
    let queue: Queue
}

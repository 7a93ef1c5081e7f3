import Channels

extension LayerState {
    /// Takes what is there for a receiver, oldest first over its names; settles all of them.
    func receive(
        _ names: [ChannelName], options: ReceiveOptions, now: Instant
    ) -> Attempt<[Delivery]> {
        var budget = operationBudget
        if names.count == 1 {
            guard case .done(let source) = look(for: names[0], copiesNeeded: options.messagesMax, now: now, &budget)
            else { return .again }
            return .done(source.map { take(from: $0, options: options, now: now) } ?? [])
        }
        // At the memory limit it is enough if all names together have as many as are taken.
        let share = max(1, options.messagesMax / max(1, names.count))
        var sources: [Source] = []
        for name in names {
            guard case .done(let source) = look(for: name, copiesNeeded: share, now: now, &budget) else {
                return .again
            }
            if let source { sources.append(source) }
        }
        if sources.count == 1 { return .done(take(from: sources[0], options: options, now: now)) }
        return .done(sources.isEmpty ? [] : take(from: sources, options: options, now: now))
    }

    /// Settles what `name` stands for. Nil where nothing waits there.
    private func look(
        for name: ChannelName, copiesNeeded: Int, now: Instant, _ budget: inout Budget
    ) -> Attempt<Source?> {
        guard let queue = queue(of: name) else { return .done(nil) }
        guard prepare(queue, now: now, &budget), !budget.isSpent else { return .again }
        // A channel in a mailbox may have to look past all the copies of the others.
        budget.spend(settle(queue, copiesNeeded: name.isInMailbox ? .max : copiesNeeded - queue.pending, now: now))
        return .done(Source(name, in: queue))
    }

    private func take(from source: Source, options: ReceiveOptions, now: Instant) -> [Delivery] {
        var taken = Taken(options)
        while let copy = source.oldest, taken.hasRoom(for: copy) { take(copy, into: &taken, now: now) }
        tidy(source.queue, now: now)
        return taken.deliveries
    }

    /// The oldest first over all of them.
    private func take(from sources: [Source], options: ReceiveOptions, now: Instant) -> [Delivery] {
        var taken = Taken(options)
        var heap = IndexedHeap<HeapSource>()
        for source in sources { heap.insert(HeapSource(source)) }
        while let first = heap.first, let copy = first.source.oldest, taken.hasRoom(for: copy) {
            take(copy, into: &taken, now: now)
            if first.source.oldest == nil { heap.remove(first) } else { heap.update(first) }
        }
        for source in sources { tidy(source.queue, now: now) }
        return taken.deliveries
    }

    private func take(_ copy: Copy, into taken: inout Taken, now: Instant) {
        let channel = copy.channel
        remove(copy)
        taken.append(delivery(of: copy.stored, in: channel, joinStamp: copy.joinStamp))
        channel.queue.lastChange = now
        tidy(channel, in: channel.queue)
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
        var budget = operationBudget
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
        var budget = operationBudget
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

/// What one receive takes.
private struct Taken {
    private(set) var deliveries: [Delivery] = []
    private let options: ReceiveOptions
    private var contentBytes = 0

    init(_ options: ReceiveOptions) { self.options = options }

    func hasRoom(for copy: Copy) -> Bool {
        deliveries.isEmpty
            || deliveries.count < options.messagesMax
                && contentBytes + copy.stored.message.content.count <= options.contentBytesMax
    }

    mutating func append(_ delivery: Delivery) {
        deliveries.append(delivery)
        contentBytes += delivery.message.content.count
    }
}

/// One name of a receive.
private struct Source {
    let queue: Queue
    /// Nil where the name is that of the mailbox.
    private let channel: Channel?

    /// Nil where nothing waits there.
    init?(_ name: ChannelName, in queue: Queue) {
        self.queue = queue
        channel = name.isMailbox ? nil : queue.channel(name)
        guard name.isMailbox || channel != nil, oldest != nil else { return nil }
    }

    var oldest: Copy? { channel.map(\.oldest) ?? queue.oldest }
}

/// One name of many.
private final class HeapSource: HeapItem {
    let source: Source
    var heapIndex = -1

    init(_ source: Source) { self.source = source }

    var heapKey: CopyOrder { source.oldest!.order }
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

import Channels

extension LayerState {
    /// Sends to one channel: settles its queue, hands over to who waits, else stores.
    func send(
        _ message: Message, to name: ChannelName, expiry ownExpiry: Duration?, now: Instant
    ) throws(ChannelError) -> Attempt<SendReceiptNumbers> {
        let expiry = ownExpiry ?? settings.expiry
        let queue: Queue
        if let present = self.queue(of: name) {
            queue = present
            var budget = operationBudget
            guard prepare(queue, now: now, &budget) else { return .again }
            settle(queue, now: now)
        } else {
            let stored = expiry > .zero ? StoredMessage.bytes(of: message) + MemoryCost.copy : 0
            try requireMemory(stored + bytesToMake(name))
            queue = insertQueue(of: name, now: now)
        }
        let channel = makeChannel(name, in: queue)
        queue.lastChange = now

        if let waiter = firstWaiter(for: channel) {
            sequence += 1
            let stored = StoredMessage(
                number: sequence, message: message, sentAt: now, deadline: now + expiry, group: nil)
            countSent(queue)
            end(waiter, .delivered([delivery(of: stored, in: channel)]), now: now)
            return .done(SendReceiptNumbers(number: sequence, pending: 0, capacity: queue.capacity))
        }
        guard expiry > .zero else {
            sequence += 1
            countSent(queue)
            queue.counts.expired += 1
            totals.expired += 1
            let pending = queue.pending
            tidy(channel, in: queue)
            tidy(queue, now: now)
            return .done(SendReceiptNumbers(number: sequence, pending: pending, capacity: queue.capacity))
        }
        guard queue.pending < queue.capacity else {
            queue.counts.rejected += 1
            totals.rejected += 1
            tidy(channel, in: queue)
            throw .channelFull(queue.name, capacity: queue.capacity, pending: queue.pending)
        }
        do throws(ChannelError) {
            try requireMemory(StoredMessage.bytes(of: message) + MemoryCost.copy)
        } catch {
            tidy(channel, in: queue)
            tidy(queue, now: now)
            throw error
        }
        sequence += 1
        countSent(queue)
        store(
            StoredMessage(number: sequence, message: message, sentAt: now, deadline: now + expiry, group: nil),
            in: channel)
        return .done(SendReceiptNumbers(number: sequence, pending: queue.pending, capacity: queue.capacity))
    }

    /// Sends to a group: one entry in its log, and a copy to each member that waits right now.
    ///
    /// O(1) in the members; O(log n) in the log; each receiver in wait costs its answer.
    func sendGroup(
        _ message: Message, to name: GroupName, options: GroupSendOptions, now: Instant
    ) throws(ChannelError) -> (number: UInt64, members: Int) {
        guard let group = groups[name.rawValue] else {
            sequence += 1
            groupSends += 1
            return (sequence, 0)
        }
        let expiry = options.expiry ?? settings.expiry
        var budget = operationBudget
        // Should the budget not suffice, who lapsed within the last second is still counted, but gets nothing.
        _ = drainLapses(of: group, now: now, &budget)
        let excluded = members(of: group, named: options.excluded, now: now)
        let due = group.members.count - excluded.count
        if due > 0, expiry > .zero {
            try requireMemory(
                StoredMessage.bytes(of: message) + MemoryCost.logEntry + MemoryCost.exclusion * excluded.count)
        }
        sequence += 1
        groupSends += 1
        groupCopies += due
        guard due > 0 else { return (sequence, 0) }
        let stored = StoredMessage(
            number: sequence, message: message, sentAt: now, deadline: now + expiry, group: name)
        for member in excluded { member.skippedNumber = sequence }
        let served = group.hasWaiters ? serveWaiters(of: group, with: stored, now: now) : []
        if expiry > .zero, served.count < due {
            let entry = LogEntry(stored)
            append(entry, to: group)
            for member in excluded { exclude(member, from: entry) }
            for member in served {
                let queue = member.channel.queue
                if queue.isMailbox {
                    exclude(member, from: entry)
                } else {
                    // All that was sent to it since its receiver came went to a receiver: nothing is unread.
                    queue.settledThrough = sequence
                    moveToEnd(member.subscription, now: now)
                }
            }
        }
        return (sequence, due)
    }

    /// - Throws: `layerFull`
    func requireMemory(_ needed: Int) throws(ChannelError) {
        guard bytes + needed > settings.memoryBytesMax else { return }
        throw ChannelError(
            .layerFull,
            "The layer is at its memory limit. Receive what waits, let it expire, or raise --memory-limit.",
            limit: settings.memoryBytesMax, actual: bytes + needed)
    }

    func countSent(_ queue: Queue) {
        queue.counts.sent += 1
        totals.sent += 1
    }

    /// The unexpired members among `names`, each once. Ends those that it finds lapsed.
    private func members(of group: Group, named names: [ChannelName], now: Instant) -> [Membership] {
        var found: [Membership] = []
        for name in names {
            guard let member = group.members.find(name.rawValue), !found.contains(where: { $0 === member }) else {
                continue
            }
            if member.deadline <= now { endLapsed(member, now: now) } else { found.append(member) }
        }
        return found
    }
}

/// What a send answers, before the epoch is added.
struct SendReceiptNumbers {
    var number: UInt64
    var pending: Int
    var capacity: Int
}

import Channels

// Settling: how a queue comes by the group copies that were sent to it. `Group` tells how it works as a whole.

/// What settling a queue would do.
struct Settlement {
    /// Copies that find room, in order.
    var accepted: [(entry: LogEntry, membership: Membership)] = []
    /// Copies that find none.
    var dropped = 0
}

extension LayerState {
    /// Brings a queue up to `now`: what was flushed or has expired is out, in its groups' logs too, and memberships that
    /// lapsed have ended. False where the budget did not suffice.
    ///
    /// Every operation on a queue begins with this. Nobody can observe it.
    func prepare(_ queue: Queue, now: Instant, _ budget: inout Budget) -> Bool {
        guard catchUpWithFlush(queue, &budget), drainExpired(queue, now: now, &budget) else { return false }
        guard lastGroupNumber > queue.settledThrough else { return true }
        for subscription in queue.subscriptions where subscription.hasNews {
            guard drainLog(of: subscription.group, now: now, &budget) else { return false }
            guard drainLapses(of: subscription, now: now, &budget) else { return false }
        }
        return true
    }

    /// Settles a prepared queue.
    func settle(_ queue: Queue, now: Instant) {
        guard lastGroupNumber > queue.settledThrough else { return }
        let settlement = settlement(of: queue)
        for (entry, membership) in settlement.accepted {
            store(entry.stored, in: membership.channel, joinStamp: membership.joinStamp)
        }
        queue.counts.sent += settlement.accepted.count
        totals.sent += settlement.accepted.count
        queue.counts.dropped += settlement.dropped
        totals.dropped += settlement.dropped
        queue.lastChange = now
        queue.settledThrough = sequence
        for subscription in queue.subscriptions where subscription.hasNews { moveToEnd(subscription, now: now) }
    }

    /// What settling a prepared queue would do; changes nothing.
    ///
    /// O(accepted · log groups), plus the exclusions that apply, and the joins and endings since it last settled.
    func settlement(of queue: Queue) -> Settlement {
        var settlement = Settlement()
        guard lastGroupNumber > queue.settledThrough else { return settlement }
        var due = 0
        var readers = IndexedHeap<LogReader>()
        for subscription in queue.subscriptions where subscription.hasNews {
            let ownDue = subscription.dueCount
            guard ownDue > 0, let reader = LogReader(subscription) else { continue }
            due += ownDue
            readers.insert(reader)
        }
        // Where the layer is at its memory limit, there is no room either.
        let affordable = max(0, settings.memoryBytesMax - bytes) / MemoryCost.copy
        let room = min(due, max(0, queue.capacity - queue.pending), affordable)
        while settlement.accepted.count < room, let reader = readers.first {
            reader.appendCopies(to: &settlement.accepted, countMax: room)
            if reader.advance() { readers.update(reader) } else { readers.remove(reader) }
        }
        settlement.dropped = due - settlement.accepted.count
        return settlement
    }

    /// Notes that everything in the group's log has been looked at for this queue.
    func moveToEnd(_ subscription: Subscription, now: Instant) {
        let group = subscription.group
        for member in subscription.excludedMembers {
            bytes -= MemoryCost.exclusion * member.exclusions.count
            member.exclusions = []
        }
        subscription.excludedMembers = []
        subscription.exclusionCount = 0
        let ended = subscription.ended
        subscription.ended = []
        subscription.endedLookAt = nil
        subscription.position = sequence
        subscription.collapseJoins()
        for membership in ended {
            membership.isOver = true
            membership.channel.unreadMembershipCount -= 1
            bytes -= MemoryCost.membership
            tidy(membership.channel, in: subscription.queue)
        }
        if subscription.isUnused {
            remove(subscription, now: now)
        } else {
            group.unlinkSubscription(subscription)
            group.appendSubscription(subscription)
        }
        var budget = Budget(32)
        if !trimLog(of: group, &budget) { schedule(group, at: now) }
    }

    // MARK: Logs

    /// Frees the group's expired entries. False where the budget did not suffice.
    func drainLog(of group: Group, now: Instant, _ budget: inout Budget) -> Bool {
        while let entry = group.logDeadlines.first, entry.stored.deadline <= now {
            guard !budget.isSpent else { return false }
            budget.spend(4)
            remove(entry, from: group)
        }
        return true
    }

    /// Frees the group's entries that all have passed. False where the budget did not suffice.
    func trimLog(of group: Group, _ budget: inout Budget) -> Bool {
        let passed = group.firstSubscription?.position ?? .max
        while let entry = group.log.first, entry.stored.number <= passed {
            guard !budget.isSpent else { return false }
            budget.spend(4)
            remove(entry, from: group)
        }
        return true
    }

    func remove(_ entry: LogEntry, from group: Group) {
        let number = entry.stored.number
        group.log.remove(number)
        group.logDeadlines.remove(entry)
        for member in entry.exclusions where !member.isOver {
            guard let index = member.indexOfExclusion(number) else { continue }
            member.exclusions.remove(at: index)
            member.subscription.exclusionCount -= 1
            bytes -= MemoryCost.exclusion
        }
        bytes -= MemoryCost.logEntry
        release(entry.stored)
    }

    func append(_ entry: LogEntry, to group: Group) {
        group.log.insert(entry)
        group.logDeadlines.insert(entry)
        group.lastNumber = entry.stored.number
        lastGroupNumber = entry.stored.number
        hold(entry.stored)
        bytes += MemoryCost.logEntry
        schedule(group, at: entry.stored.deadline + Self.sweepSlack)
    }

    /// Notes that `member` gets no copy of the entry, although it is a member.
    func exclude(_ member: Membership, from entry: LogEntry) {
        let subscription = member.subscription
        if member.exclusions.isEmpty { subscription.excludedMembers.append(member) }
        member.exclusions.append(entry.stored.number)
        subscription.exclusionCount += 1
        entry.exclusions.append(member)
        bytes += MemoryCost.exclusion
    }
}

/// Reads one group's log for one queue, entry by entry.
private final class LogReader: HeapItem {
    private let subscription: Subscription
    private var place: SortedChunks<LogEntry>.Position
    private var entry: LogEntry
    /// Ended memberships in the order of joining.
    private var ended: [Membership]
    var heapIndex = -1
    var heapKey: UInt64 { entry.stored.number }

    init?(_ subscription: Subscription) {
        let log = subscription.group.log
        place = log.position(after: subscription.position)
        guard let entry = log[place] else { return nil }
        self.entry = entry
        self.subscription = subscription
        ended = subscription.ended.sorted { $0.joinStamp < $1.joinStamp }
    }

    /// Goes on to the next entry; false at the end.
    func advance() -> Bool {
        subscription.group.log.advance(&place)
        guard let next = subscription.group.log[place] else { return false }
        entry = next
        return true
    }

    /// Appends this entry's copies in the order of joining, until there are `countMax` in all.
    func appendCopies(to accepted: inout [(entry: LogEntry, membership: Membership)], countMax: Int) {
        let number = entry.stored.number
        if !ended.isEmpty { ended.removeAll { $0.endedAfter < number } }
        var nextEnded = 0
        var member = subscription.firstMember
        while accepted.count < countMax {
            let membership: Membership
            let candidate = nextEnded < ended.count ? ended[nextEnded] : nil
            if let candidate, member.map({ candidate.joinStamp < $0.joinStamp }) ?? true {
                membership = candidate
                nextEnded += 1
            } else if let present = member {
                membership = present
                member = present.next
            } else {
                return
            }
            // Who joined after this entry, and all who joined after that one, get no copy of it.
            guard membership.joinedAfter < number else { return }
            if membership.isMeant(by: number) { accepted.append((entry, membership)) }
        }
    }
}

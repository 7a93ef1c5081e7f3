import Channels

// Settling: how a queue comes by the group copies that were sent to it. `Group` tells how it works as a whole.

/// What settling a queue would do.
struct Settlement {
    /// Copies that find room, in order.
    var accepted: [(entry: LogEntry, membership: Membership)] = []
    /// Copies that find none.
    var dropped = 0
    /// Set where the layer's memory ends before the queue's room: only entries up to this number were looked at.
    var stopsAfter: UInt64?
}

extension LayerState {
    /// Brings a queue up to `now`: what was flushed or has expired is out, in its groups' logs too, and memberships that
    /// lapsed have ended. False where the budget did not suffice.
    ///
    /// Every operation on a queue begins with this. Nobody can observe it.
    func prepare(_ queue: Queue, now: Instant, _ budget: inout Budget) -> Bool {
        guard catchUpWithFlush(queue, &budget), drainExpired(queue, now: now, &budget) else { return false }
        guard lastGroupNumber > queue.settledThrough else { return true }
        for subscription in subscriptionsWithNews(of: queue) {
            guard drainLog(of: subscription.group, now: now, &budget) else { return false }
            guard drainLapses(of: subscription, now: now, &budget) else { return false }
        }
        return true
    }

    /// Settles a prepared queue. Returns what it cost, in units of a budget.
    ///
    /// Where the layer is at its memory limit, a queue settles no further than it takes to find `copiesNeeded` more, which are
    /// about to be taken: what is stored already stays in the logs, and is judged the next time.
    @discardableResult
    func settle(_ queue: Queue, copiesNeeded: Int = 0, now: Instant) -> Int {
        guard lastGroupNumber > queue.settledThrough else { return 0 }
        let affordable = max(0, settings.memoryBytesMax - bytes) / MemoryCost.copy
        let news = subscriptionsWithNews(of: queue)
        let settlement = settlement(of: queue, with: news, copiesMax: max(affordable, copiesNeeded))
        for (entry, membership) in settlement.accepted {
            store(entry.stored, in: membership.channel, joinStamp: membership.joinStamp)
        }
        queue.counts.sent += settlement.accepted.count
        totals.sent += settlement.accepted.count
        queue.counts.dropped += settlement.dropped
        totals.dropped += settlement.dropped
        queue.lastChange = now
        if let number = settlement.stopsAfter {
            for subscription in news {
                if subscription.group.lastNumber <= number {
                    moveToEnd(subscription, now: now)
                } else {
                    move(subscription, to: number)
                }
            }
        } else {
            for subscription in news { moveToEnd(subscription, now: now) }
            queue.settledThrough = sequence
        }
        return 3 * settlement.accepted.count
    }

    /// What settling a prepared queue would do; changes nothing.
    ///
    /// O(accepted · log groups), plus the exclusions that apply, and the joins and endings since it last settled.
    func settlement(of queue: Queue) -> Settlement {
        guard lastGroupNumber > queue.settledThrough else { return Settlement() }
        return settlement(of: queue, with: subscriptionsWithNews(of: queue), copiesMax: .max)
    }

    private func settlement(of queue: Queue, with news: [Subscription], copiesMax: Int) -> Settlement {
        var settlement = Settlement()
        var due = 0
        var readers = IndexedHeap<LogReader>()
        for subscription in news {
            let ownDue = subscription.dueCount
            guard ownDue > 0, let reader = LogReader(subscription) else { continue }
            due += ownDue
            readers.insert(reader)
        }
        let room = min(due, max(0, queue.capacity - queue.pending))
        var lastNumber: UInt64 = 0
        while settlement.accepted.count < min(room, copiesMax), let reader = readers.first {
            lastNumber = reader.number
            reader.appendCopies(to: &settlement.accepted, countMax: room)
            if reader.advance() { readers.update(reader) } else { readers.remove(reader) }
        }
        if settlement.accepted.count < room {
            settlement.stopsAfter = lastNumber
        } else {
            settlement.dropped = due - settlement.accepted.count
        }
        return settlement
    }

    /// Those whose groups' logs have entries that the queue has not looked at.
    ///
    /// O(groups that were sent to since it last settled), or O(its own groups) where these are fewer.
    private func subscriptionsWithNews(of queue: Queue) -> [Subscription] {
        guard queue.subscriptions.areMany else { return queue.subscriptions.all.filter(\.hasNews) }
        var found: [Subscription] = []
        var groupsSeen = 0
        var next = activeGroups.last
        while let group = next, group.lastNumber > queue.settledThrough {
            guard groupsSeen < queue.subscriptions.count else { return queue.subscriptions.all.filter(\.hasNews) }
            groupsSeen += 1
            if let subscription = queue.subscriptions[group], subscription.hasNews { found.append(subscription) }
            next = group.previousActive
        }
        return found
    }

    /// Notes that everything in the group's log has been looked at for this queue.
    func moveToEnd(_ subscription: Subscription, now: Instant) {
        let group = subscription.group
        subscription.forgetExclusions(through: sequence)
        let ended = subscription.ended
        subscription.ended = []
        subscription.endedLookAt = nil
        subscription.position = sequence
        subscription.trimPosition = sequence
        subscription.collapseJoins()
        for membership in ended {
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
        if !trimLog(of: group, &budget) || (group.isClosed && group.log.isEmpty) { schedule(group, at: now) }
    }

    /// Notes that entries up to `number` have been looked at for this queue, and no later ones. The group's list of
    /// subscriptions keeps its order, and the log its entries, until the queue has read on to the end.
    private func move(_ subscription: Subscription, to number: UInt64) {
        guard number > subscription.position else { return }
        subscription.forgetExclusions(through: number)
        subscription.position = number
    }

    // MARK: Logs

    /// Frees the group's expired entries. False where the budget did not suffice.
    func drainLog(of group: Group, now: Instant, _ budget: inout Budget) -> Bool {
        while let deadline = group.logDeadlines.firstDeadline, deadline <= now, let entry = group.logDeadlines.first {
            guard !budget.isSpent else { return false }
            budget.spend(4)
            remove(entry, from: group)
        }
        return true
    }

    /// Frees the group's entries that all have passed. False where the budget did not suffice.
    func trimLog(of group: Group, _ budget: inout Budget) -> Bool {
        let passed = group.firstSubscription?.trimPosition ?? .max
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
        if group.log.isEmpty { activeGroups.remove(group) }
        group.logDeadlines.remove(entry)
        for exclusion in entry.exclusions { exclusion.member?.forget(exclusion) }
        discard(entry)
    }

    /// Lets go of an entry that has left its log.
    func discard(_ entry: LogEntry) {
        bytes -= MemoryCost.logEntry + MemoryCost.exclusion * entry.exclusions.count
        release(entry.stored)
    }

    func append(_ entry: LogEntry, to group: Group) {
        group.log.insert(entry)
        group.logDeadlines.insert(entry)
        group.lastNumber = entry.stored.number
        activeGroups.append(group)
        lastGroupNumber = entry.stored.number
        hold(entry.stored)
        bytes += MemoryCost.logEntry
        schedule(group, at: entry.stored.deadline + Self.sweepSlack)
    }

    /// Notes that `member` gets no copy of the entry, although it is a member.
    func exclude(_ member: Membership, from entry: LogEntry) {
        let exclusion = Exclusion(of: member, from: entry.stored.number)
        member.remember(exclusion)
        entry.exclusions.append(exclusion)
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
    var heapKey: UInt64 { number }
    /// Of the entry at hand.
    var number: UInt64 { entry.stored.number }

    init?(_ subscription: Subscription) {
        let log = subscription.group.log
        ended = subscription.ended.filter { $0.endedAfter > subscription.position }
            .sorted { $0.joinStamp < $1.joinStamp }
        guard let firstJoin = Self.firstJoin(of: subscription.firstMember, ended) else { return nil }
        place = log.position(after: max(subscription.position, firstJoin))
        guard let entry = log[place] else { return nil }
        self.entry = entry
        self.subscription = subscription
    }

    /// The number after which someone here gets copies; nil where nobody does any more.
    private static func firstJoin(of firstMember: Membership?, _ ended: [Membership]) -> UInt64? {
        guard let firstMember else { return ended.first?.joinedAfter }
        return min(firstMember.joinedAfter, ended.first?.joinedAfter ?? .max)
    }

    /// Goes on to the next entry that is meant for anyone here; false at the end.
    func advance() -> Bool {
        let log = subscription.group.log
        log.advance(&place)
        guard let next = log[place] else { return false }
        entry = next
        ended.removeAll { $0.endedAfter < number }
        // Between one membership's end and the next one's join there may be very many.
        guard let firstJoin = Self.firstJoin(of: subscription.firstMember, ended) else { return false }
        if firstJoin >= number {
            place = log.position(after: firstJoin)
            guard let next = log[place] else { return false }
            entry = next
        }
        return true
    }

    /// Appends this entry's copies in the order of joining, until there are `countMax` in all.
    func appendCopies(to accepted: inout [(entry: LogEntry, membership: Membership)], countMax: Int) {
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

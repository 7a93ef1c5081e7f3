import Channels

// What is done in the background, a slice at a time: to free what has expired, lapsed, or was purged, removed or flushed.

extension LayerState {
    /// One slice.
    func sweep(now: Instant) {
        var budget = sliceBudget
        sweep(now: now, &budget)
    }

    /// How far sweeping is behind; zero or less where it is not.
    func sweepLag(now: Instant) -> Duration {
        garbage.isEmpty ? sweeps.first.map { now - $0.sweepAt } ?? .zero : .zero
    }

    private func sweep(now: Instant, _ budget: inout Budget) {
        collectGarbage(&budget)
        while !budget.isSpent, let object = sweeps.first, object.sweepAt <= now {
            sweeps.remove(object)
            budget.spend(2)
            switch object {
            case let queue as Queue: sweep(queue, now: now, &budget)
            case let group as Group: sweep(group, now: now, &budget)
            default: preconditionFailure("only queues and groups are swept")
            }
        }
    }

    private func collectGarbage(_ budget: inout Budget) {
        while !budget.isSpent, var heap = garbage.popLast() {
            while !budget.isSpent, let copy = heap.chain {
                budget.spend(2)
                heap.chain = copy.next
                copy.next = nil
                if ExpiryQueue.holds(copy) { heap.queue.deadlines.remove(copy) }
                bytes -= MemoryCost.copy
                release(copy.stored)
            }
            if heap.chain != nil { garbage.append(heap) }
        }
    }

    private func sweep(_ queue: Queue, now: Instant, _ budget: inout Budget) {
        guard catchUpWithFlush(queue, &budget), drainExpired(queue, now: now, &budget) else {
            return schedule(queue, at: now)
        }
        forgetPurges(in: queue, count: queue.purgedChannels.prefix { $0.at + Self.countsKept <= now }.count)
        if let next = queue.purgedChannels.first { schedule(queue, at: next.at + Self.countsKept) }
        if let next = queue.deadlines.firstDeadline { return schedule(queue, at: next + Self.sweepSlack) }
        guard queue.isUnused else { return }
        if goesAt(queue) <= now { remove(queue) } else { tidy(queue, now: now) }
    }

    private func sweep(_ group: Group, now: Instant, _ budget: inout Budget) {
        guard drainLog(of: group, now: now, &budget), drainLapses(of: group, now: now, &budget),
            clearIfClosed(group, now: now, &budget), trimLog(of: group, &budget)
        else { return schedule(group, at: now) }
        if group.isUnused {
            if groups[group.name.rawValue] === group {
                groups.remove(group.name.rawValue)
                bytes -= MemoryCost.group + group.name.rawValue.utf8.count
            }
            if group.heapIndex >= 0 { sweeps.remove(group) }
            return
        }
        let due = [group.logDeadlines.firstDeadline, group.lapses.first?.nextLapse].compactMap { $0 }.min()
        if let due { schedule(group, at: due + Self.sweepSlack) }
    }

    /// Lets go of a closed group's memberships, once nobody has anything to read any more.
    private func clearIfClosed(_ group: Group, now: Instant, _ budget: inout Budget) -> Bool {
        guard group.isClosed else { return true }
        while !group.members.isEmpty {
            guard !budget.isSpent else { return false }
            budget.spend(group.members.removeLastChunk().count / 8)
        }
        while let subscription = group.firstSubscription {
            if let last = group.log.last, last.stored.number > subscription.position { return true }
            guard !budget.isSpent, drop(subscription, now: now, &budget) else { return false }
        }
        return true
    }

    /// Takes expired copies out of a queue. False where the budget did not suffice.
    func drainExpired(_ queue: Queue, now: Instant, _ budget: inout Budget) -> Bool {
        while let deadline = queue.deadlines.firstDeadline, deadline <= now, let copy = queue.deadlines.first {
            guard !budget.isSpent else { return false }
            budget.spend(2)
            let channel = copy.channel
            guard !copy.isGarbage else {
                queue.deadlines.remove(copy)  // garbage; the rest of it is collected elsewhere
                continue
            }
            remove(copy)
            queue.counts.expired += 1
            totals.expired += 1
            queue.lastChange = max(queue.lastChange, now)
            tidy(channel, in: queue)
        }
        return true
    }

    // MARK: Flush

    /// Drops everything, in O(1). `flushSlice` clears away what was dropped.
    func flush(now: Instant) -> FlushProgress {
        flushGeneration += 1
        flushedAt = now
        purgeStamp += 1
        flushPurgeStamp = purgeStamp
        let progress = FlushProgress(groups: groups, at: now)
        groups = NameTable()
        populatedGroups = 0
        return progress
    }

    /// Clears away a slice of what a flush dropped; true where that was the last.
    func flushSlice(_ progress: FlushProgress, now: Instant) -> Bool {
        var budget = sliceBudget
        collectGarbage(&budget)
        while let queue = progress.nextQueue(in: queues) {
            guard !budget.isSpent else { return false }
            budget.spend()
            // One that has caught up by itself may be gone by now, and not to be swept again.
            if queue.flushGeneration != flushGeneration, queues[queue.name.rawValue] === queue {
                guard catchUpWithFlush(queue, &budget) else { return false }
                tidy(queue, now: flushedAt)
            }
            progress.finishQueue()
        }
        while let group = progress.nextGroup() {
            guard !budget.isSpent, clearFlushed(group, &budget) else { return false }
            budget.spend()
            progress.finishGroup()
        }
        // Groups that had been removed before, but had readers, have none any more: a sweep frees them. What has come since is
        // none of the flush's business, or it would not end as long as there is enough of it.
        sweep(now: progress.flushedAt, &budget)
        return garbage.isEmpty && !budget.isSpent
    }

    private func clearFlushed(_ group: Group, _ budget: inout Budget) -> Bool {
        if !group.isClosed {
            group.isClosed = true
            bytes -= MemoryCost.group + group.name.rawValue.utf8.count
            if group.heapIndex >= 0 { sweeps.remove(group) }
        }
        while !group.log.isEmpty {
            guard !budget.isSpent else { return false }
            activeGroups.remove(group)
            for entry in group.log.removeLastChunk() {
                budget.spend(2)
                group.logDeadlines.remove(entry)
                discard(entry)
            }
        }
        while !group.members.isEmpty {
            guard !budget.isSpent else { return false }
            budget.spend(group.members.removeLastChunk().count / 8)
        }
        return true
    }

    /// Drops what a queue held when the layer was flushed. False where the budget did not suffice.
    func catchUpWithFlush(_ queue: Queue, _ budget: inout Budget) -> Bool {
        guard queue.flushGeneration != flushGeneration else { return true }
        guard drainExpired(queue, now: flushedAt, &budget) else { return false }
        purgeAll(queue)
        while let subscription = queue.subscriptions.last {
            guard drop(subscription, now: flushedAt, &budget) else { return false }
        }
        queue.flushGeneration = flushGeneration
        queue.lastChange = max(queue.lastChange, flushedAt)
        return true
    }
}

/// How far a flush has been cleared away: tables are gone through a shard at a time, and a shard from its end.
// SAFETY: touched under the layer's lock only; between two holds it is only carried along.
final class FlushProgress: @unchecked Sendable {
    fileprivate let flushedAt: Instant
    private let groups: NameTable<Group>
    private var queuesOfShard: [Queue] = []
    private var groupsOfShard: [Group] = []
    private var queueShards = 0..<NameTable<Queue>.shardCount
    private var groupShards = 0..<NameTable<Group>.shardCount

    fileprivate init(groups: NameTable<Group>, at flushedAt: Instant) {
        self.groups = groups
        self.flushedAt = flushedAt
    }

    /// The queue to clear next, until `finishQueue` says that it is clear; nil after the last one.
    fileprivate func nextQueue(in queues: NameTable<Queue>) -> Queue? {
        while queuesOfShard.isEmpty, let shard = queueShards.popFirst() {
            queuesOfShard = queues.objects(inShard: shard)
        }
        return queuesOfShard.last
    }

    fileprivate func finishQueue() { queuesOfShard.removeLast() }

    fileprivate func nextGroup() -> Group? {
        while groupsOfShard.isEmpty, let shard = groupShards.popFirst() {
            groupsOfShard = groups.objects(inShard: shard)
        }
        return groupsOfShard.last
    }

    fileprivate func finishGroup() { groupsOfShard.removeLast() }
}

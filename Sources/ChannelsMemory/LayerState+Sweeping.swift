import Channels

// What is done in the background, a slice at a time: to free what has expired, lapsed, or was purged, removed or flushed.

extension LayerState {
    /// One slice.
    func sweep(now: Instant) {
        var budget = holdBudget
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
                if copy.heapIndex >= 0 { heap.queue.deadlines.remove(copy) }
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
        let forgotten = queue.purgedChannels.prefix { $0.at + Self.countsKept <= now }
        queue.purgedChannels.removeFirst(forgotten.count)
        for (channel, stamp, _) in forgotten where channel.purgeStamp == stamp {
            channel.purgeStamp = 0
            tidy(channel, in: queue)
        }
        if let next = queue.purgedChannels.first { schedule(queue, at: next.at + Self.countsKept) }
        if let next = queue.deadlines.first { return schedule(queue, at: next.stored.deadline + Self.sweepSlack) }
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
        let due = [group.logDeadlines.first?.stored.deadline, group.lapses.first?.nextLapse].compactMap { $0 }.min()
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
        while let copy = queue.deadlines.first, copy.stored.deadline <= now {
            guard !budget.isSpent else { return false }
            budget.spend(2)
            let channel = copy.channel
            guard copy.stored.number > channel.purgedThrough else {
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
        let progress = FlushProgress(groups: groups)
        groups = NameTable()
        populatedGroups = 0
        return progress
    }

    /// Clears away a slice of what a flush dropped; true where that was the last.
    func flushSlice(_ progress: inout FlushProgress) -> Bool {
        var budget = holdBudget
        collectGarbage(&budget)
        while progress.queueShard < NameTable<Queue>.shardCount {
            for queue in queues.objects(inShard: progress.queueShard) {
                guard catchUpWithFlush(queue, &budget) else { return false }
                tidy(queue, now: flushedAt)
            }
            progress.queueShard += 1
            guard !budget.isSpent else { return false }
        }
        while progress.groupShard < NameTable<Group>.shardCount {
            for group in progress.groups.objects(inShard: progress.groupShard) {
                guard clearFlushed(group, &budget) else { return false }
            }
            progress.groupShard += 1
        }
        collectGarbage(&budget)
        return garbage.isEmpty
    }

    private func clearFlushed(_ group: Group, _ budget: inout Budget) -> Bool {
        if !group.isClosed {
            group.isClosed = true
            bytes -= MemoryCost.group + group.name.rawValue.utf8.count
            if group.heapIndex >= 0 { sweeps.remove(group) }
        }
        while !group.log.isEmpty {
            guard !budget.isSpent else { return false }
            for entry in group.log.removeLastChunk() {
                budget.spend(2)
                group.logDeadlines.remove(entry)
                bytes -= MemoryCost.logEntry
                release(entry.stored)
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

/// How far a flush has been cleared away.
// SAFETY: between two holds of the lock it is only carried along.
struct FlushProgress: @unchecked Sendable {
    fileprivate let groups: NameTable<Group>
    fileprivate var queueShard = 0
    fileprivate var groupShard = 0

    fileprivate init(groups: NameTable<Group>) { self.groups = groups }
}

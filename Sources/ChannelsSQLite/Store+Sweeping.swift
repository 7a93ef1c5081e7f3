import Channels

// What is done in the background, a slice a transaction: to free what has expired, lapsed, or was purged or removed.

extension Store {
    /// One slice. True where there is more to do at once.
    func sweep() throws -> Bool {
        var budget = sliceRowsMax
        try sweepQueues(&budget)
        try sweepEntries(&budget)
        try sweepGroups(&budget)
        try sweepClosedGroups(&budget)
        try collectGarbage(&budget)
        return try budget <= 0 || giveBackPages()
    }

    /// Cuts a slice of unused pages off the file's end, where there are many. True where there are still.
    private func giveBackPages() throws -> Bool {
        let pages = try prepared("PRAGMA page_count").first { $0.int(0) } ?? 0
        let free = try prepared("PRAGMA freelist_count").first { $0.int(0) } ?? 0
        // As many stay as are soon used again.
        guard free > max(Self.freePagesKept, pages / 4) else { return false }
        try prepared("PRAGMA incremental_vacuum(512)").run()
        return true
    }

    private static var freePagesKept: Int64 { 1024 }

    /// True where something is stored that a sweep may have to free some day.
    func hasAnything() throws -> Bool {
        try layer.queues > 0 || prepared("SELECT 1 FROM grp LIMIT 1").first(read: { _ in true }) != nil
    }

    private func sweepQueues(_ budget: inout Int) throws {
        while budget > 0 {
            let due = try prepared("SELECT name FROM queue WHERE sweepAt <= ? ORDER BY sweepAt LIMIT 100")
                .all(.int(now)) { try ChannelName($0.text(0) ?? "") }
            guard !due.isEmpty else { return }
            for name in due {
                guard budget > 0, var queue = try findQueue(of: name) else { continue }
                let pending = queue.pending
                do {
                    try drainExpired(&queue)
                } catch is WorkRemains {
                    budget = 0
                    return
                }
                budget -= 1 + pending - queue.pending
                try scheduleNext(queue)
            }
        }
    }

    /// Lets go of a queue that nothing needs, or notes when to look at it again.
    private func scheduleNext(_ queue: Queue) throws {
        var next = queue.firstDeadline
        if queue.pending == 0 {
            let isSubscribed = try prepared("SELECT 1 FROM subscription WHERE queue = ? LIMIT 1")
                .first(.int(queue.id)) { _ in true }
            if isSubscribed != nil {
                next = Queue.never
            } else if room.isWaited(inQueue: queue.name.rawValue) {
                next = now + Self.countsKept
            } else if queue.lastChange + Self.countsKept <= now {
                try prepared("DELETE FROM queue WHERE id = ?").run(.int(queue.id))
                try prepared("DELETE FROM exclusion WHERE queue = ?").run(.int(queue.id))
                layer.queues -= 1
                return
            } else {
                next = queue.lastChange + Self.countsKept
            }
        }
        try prepared("UPDATE queue SET sweepAt = ? WHERE id = ?").run(.int(next), .int(queue.id))
    }

    /// Expired entries with their contents, exclusions, and endings that have nothing left to read.
    private func sweepEntries(_ budget: inout Int) throws {
        guard budget > 0 else { return }
        budget -= try drainEntries(countMax: budget)
        // Not by the entries: where all copies went to receivers in wait there is none, and yet one may have been given
        // back.
        let messages = try prepared(
            "SELECT number FROM message WHERE groupName IS NOT NULL AND deadline <= ? ORDER BY deadline LIMIT ?"
        ).all(.int(now), .int(max(0, budget))) { $0.int(0) }
        for number in messages { try prepared("DELETE FROM message WHERE number = ?").run(.int(number)) }
        budget -= messages.count
        let exclusions = try prepared(
            "SELECT queue, number, stamp FROM exclusion WHERE deadline <= ? ORDER BY deadline LIMIT ?"
        ).all(.int(now), .int(max(0, budget))) { (queue: $0.int(0), number: $0.int(1), stamp: $0.int(2)) }
        for exclusion in exclusions {
            try prepared("DELETE FROM exclusion WHERE queue = ? AND number = ? AND stamp = ?").run(
                .int(exclusion.queue), .int(exclusion.number), .int(exclusion.stamp))
        }
        budget -= exclusions.count
        let endings = try prepared(
            "SELECT queue, grp, stamp FROM ending WHERE deadline <= ? ORDER BY deadline LIMIT ?"
        ).all(.int(now), .int(max(0, budget))) { (queue: $0.int(0), group: $0.int(1), stamp: $0.int(2)) }
        for ending in endings {
            try prepared("DELETE FROM ending WHERE queue = ? AND grp = ? AND stamp = ?").run(
                .int(ending.queue), .int(ending.group), .int(ending.stamp))
            try tidySubscription(of: ending.queue, to: ending.group)
        }
        budget -= endings.count
    }

    private func sweepGroups(_ budget: inout Int) throws {
        guard budget > 0 else { return }
        let due = try prepared("SELECT id FROM grp WHERE nextLapse <= ? ORDER BY nextLapse LIMIT 100")
            .all(.int(now)) { $0.int(0) }
        for id in due {
            guard budget > 0, let found = try group(id) else { continue }
            guard try drainLapses(of: found) else {
                budget = 0
                return
            }
            budget -= 1 + found.members - (try group(id)?.members ?? 0)
        }
        // Open ones without anything: no members, and nothing that somebody may still want.
        let unused = try prepared(
            "SELECT id FROM grp WHERE members = 0 AND nextLapse = ? AND isClosed = 0 AND lastDeadline <= ? LIMIT ?"
        ).all(.int(Queue.never), .int(now), .int(max(0, budget))) { $0.int(0) }
        for id in unused { try removeIfUnused(id) }
        budget -= unused.count
    }

    private func removeIfUnused(_ id: Int64) throws {
        try prepared(
            """
            DELETE FROM grp WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM entry WHERE grp = ?1)
                AND NOT EXISTS (SELECT 1 FROM subscription WHERE grp = ?1)
            """
        ).run(.int(id))
    }

    /// Lets go of closed groups' memberships, once nobody has anything to read any more.
    private func sweepClosedGroups(_ budget: inout Int) throws {
        guard budget > 0 else { return }
        let closed = try prepared(
            "SELECT id FROM grp WHERE isClosed = 1 AND lastDeadline <= ? LIMIT 100"
        ).all(.int(now)) { $0.int(0) }
        for id in closed where budget > 0 {
            let members = try prepared("SELECT name FROM membership WHERE grp = ? LIMIT ?").all(
                .int(id), .int(budget)
            ) { $0.text(0) ?? "" }
            for name in members {
                try prepared("DELETE FROM membership WHERE grp = ? AND name = ?").run(.int(id), .text(name))
            }
            budget -= members.count
            guard budget > 0 else { return }
            let queues = try prepared("SELECT queue FROM subscription WHERE grp = ? LIMIT ?").all(
                .int(id), .int(budget)
            ) { $0.int(0) }
            for queue in queues {
                try prepared("DELETE FROM ending WHERE queue = ? AND grp = ?").run(.int(queue), .int(id))
                try prepared("UPDATE subscription SET members = 0 WHERE queue = ? AND grp = ?").run(
                    .int(queue), .int(id))
                try tidySubscription(of: queue, to: id)
            }
            budget -= queues.count
            guard budget > 0 else { return }
            try removeIfUnused(id)
        }
    }

    private func collectGarbage(_ budget: inout Int) throws {
        while budget > 0 {
            guard let lane = try prepared("SELECT lane FROM garbage LIMIT 1").first(read: { $0.int(0) }) else {
                return
            }
            let copies = try prepared("SELECT number, stamp FROM copy WHERE lane = ? LIMIT ?").all(
                .int(lane), .int(budget)
            ) { (number: $0.int(0), stamp: $0.int(1)) }
            for copy in copies {
                try prepared("DELETE FROM copy WHERE lane = ? AND number = ? AND stamp = ?").run(
                    .int(lane), .int(copy.number), .int(copy.stamp))
                if copy.stamp == 0 { try prepared("DELETE FROM message WHERE number = ?").run(.int(copy.number)) }
            }
            budget -= copies.count
            if budget > 0 { try prepared("DELETE FROM garbage WHERE lane = ?").run(.int(lane)) }
        }
    }
}

import Channels

// What is done in the background, a slice a transaction: to free what has expired, lapsed, or was purged or removed.

/// What a sweep leaves.
enum SweepOutcome: Equatable {
    /// There is more to free at once.
    case more
    /// Something is stored that must be freed some day.
    case later
    case nothingStored
}

extension Store {
    /// One slice, or what the transaction has left of it.
    func sweep() throws -> SweepOutcome {
        do {
            try sweepQueues()
            try sweepEntries()
            try sweepGroups()
            try sweepClosedGroups()
            try collectGarbage()
        } catch is WorkRemains {
            return .more
        }
        if try slice.isUsedUp || giveBackPages() { return .more }
        return try hasAnything() ? .later : .nothingStored
    }

    /// Cuts a slice of unused pages off the file's end, where there are many. True where there are still.
    private func giveBackPages() throws -> Bool {
        let pages = try prepared("PRAGMA page_count").first { $0.int(0) } ?? 0
        let free = try prepared("PRAGMA freelist_count").first { $0.int(0) } ?? 0
        // As many stay as are soon used again.
        guard free > max(Self.freePagesKept, pages / 4) else { return false }
        try prepared("PRAGMA incremental_vacuum(512)").run()
        // None goes where the file was not made for that: somebody has rebuilt it.
        return try (prepared("PRAGMA freelist_count").first { $0.int(0) } ?? 0) < free
    }

    private static var freePagesKept: Int64 { 1024 }

    private func hasAnything() throws -> Bool {
        guard layer.queues == 0 else { return true }
        return try prepared(
            """
            SELECT 1 WHERE EXISTS (SELECT 1 FROM grp) OR EXISTS (SELECT 1 FROM message)
                OR EXISTS (SELECT 1 FROM garbage) OR EXISTS (SELECT 1 FROM exclusion)
            """
        ).first { _ in true } ?? false
    }

    private func sweepQueues() throws {
        while !slice.isUsedUp {
            let due = try prepared("SELECT name FROM queue WHERE sweepAt <= ? ORDER BY sweepAt LIMIT 100")
                .all(.int(now)) { try $0.channelName(0) }
            guard !due.isEmpty else { return }
            for name in due where !slice.isUsedUp {
                guard var queue = try findQueue(of: name) else { continue }
                try drainExpired(&queue)
                slice.use()
                try scheduleNext(queue)
            }
        }
    }

    /// Lets go of a queue that nothing needs, or notes when to look at it again.
    func scheduleNext(_ queue: Queue) throws {
        try saveQueues()
        queues.remove(queue.name)
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
    private func sweepEntries() throws {
        let groups = try prepared("SELECT id FROM grp WHERE nextExpiry <= ? ORDER BY nextExpiry LIMIT 100")
            .all(.int(now)) { $0.int(0) }
        for group in groups {
            try drainEntries(of: group)
            slice.use()
        }
        // Not by the entries: where all copies went to receivers in wait there is none, and yet one may have been given
        // back.
        let messages = try prepared(
            """
            SELECT number, length(content) FROM message WHERE groupName IS NOT NULL AND deadline <= ?
            ORDER BY deadline LIMIT ?
            """
        ).all(.int(now), .int(max(0, slice.rows))) { (number: $0.int(0), bytes: Int($0.int(1))) }
        for message in messages where !slice.isUsedUp {
            try prepared("DELETE FROM message WHERE number = ?").run(.int(message.number))
            slice.use(rows: 1, bytes: message.bytes)
        }
        let exclusions = try prepared(
            "SELECT queue, number, stamp FROM exclusion WHERE deadline <= ? ORDER BY deadline LIMIT ?"
        ).all(.int(now), .int(max(0, slice.rows))) { (queue: $0.int(0), number: $0.int(1), stamp: $0.int(2)) }
        for exclusion in exclusions {
            try prepared("DELETE FROM exclusion WHERE queue = ? AND number = ? AND stamp = ?").run(
                .int(exclusion.queue), .int(exclusion.number), .int(exclusion.stamp))
        }
        slice.use(rows: exclusions.count)
        let endings = try prepared(
            "SELECT queue, grp, stamp FROM ending WHERE deadline <= ? ORDER BY deadline LIMIT ?"
        ).all(.int(now), .int(max(0, slice.rows))) { (queue: $0.int(0), group: $0.int(1), stamp: $0.int(2)) }
        for ending in endings {
            try prepared("DELETE FROM ending WHERE queue = ? AND grp = ? AND stamp = ?").run(
                .int(ending.queue), .int(ending.group), .int(ending.stamp))
            try tidySubscription(of: ending.queue, to: ending.group)
        }
        slice.use(rows: endings.count)
    }

    private func sweepGroups() throws {
        let due = try prepared("SELECT id FROM grp WHERE nextLapse <= ? ORDER BY nextLapse LIMIT 100")
            .all(.int(now)) { $0.int(0) }
        for id in due {
            guard let found = try group(id) else { continue }
            guard try drainLapses(of: found) else { throw WorkRemains() }
            slice.use()
        }
        // Open ones without anything: no members, and nothing that somebody may still want.
        let unused = try prepared(
            "SELECT id FROM grp WHERE isClosed = 0 AND members = 0 AND lastDeadline <= ? ORDER BY lastDeadline LIMIT ?"
        ).all(.int(now), .int(max(0, slice.rows))) { $0.int(0) }
        for id in unused { try removeIfUnused(id) }
        slice.use(rows: unused.count)
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
    private func sweepClosedGroups() throws {
        let closed = try prepared(
            "SELECT id FROM grp WHERE isClosed = 1 AND lastDeadline <= ? ORDER BY lastDeadline LIMIT 100"
        ).all(.int(now)) { $0.int(0) }
        for id in closed where !slice.isUsedUp {
            let members = try prepared("SELECT name FROM membership WHERE grp = ? LIMIT ?").all(
                .int(id), .int(slice.rows)
            ) { $0.text(0) ?? "" }
            for name in members {
                try prepared("DELETE FROM membership WHERE grp = ? AND name = ?").run(.int(id), .text(name))
            }
            slice.use(rows: members.count)
            guard !slice.isUsedUp else { return }
            let queues = try prepared("SELECT queue FROM subscription WHERE grp = ? LIMIT ?").all(
                .int(id), .int(slice.rows)
            ) { $0.int(0) }
            for queue in queues {
                try prepared("DELETE FROM ending WHERE queue = ? AND grp = ?").run(.int(queue), .int(id))
                try prepared("UPDATE subscription SET members = 0 WHERE queue = ? AND grp = ?").run(
                    .int(queue), .int(id))
                try tidySubscription(of: queue, to: id)
            }
            slice.use(rows: 1 + queues.count)
            guard !slice.isUsedUp else { return }
            try removeIfUnused(id)
        }
    }

    private func collectGarbage() throws {
        while !slice.isUsedUp {
            guard let lane = try prepared("SELECT lane FROM garbage LIMIT 1").first(read: { $0.int(0) }) else {
                return
            }
            let copies = try prepared("SELECT number, stamp, bytes FROM copy WHERE lane = ? LIMIT ?").all(
                .int(lane), .int(slice.rows)
            ) { CopyKey($0) }
            for copy in copies where !slice.isUsedUp {
                try prepared("DELETE FROM copy WHERE lane = ? AND number = ? AND stamp = ?").run(
                    .int(lane), .int(copy.number), .int(copy.stamp))
                if copy.stamp == 0 { try prepared("DELETE FROM message WHERE number = ?").run(.int(copy.number)) }
                slice.use(rows: 1, bytes: copy.stamp == 0 ? copy.bytes : 0)
            }
            if !slice.isUsedUp { try prepared("DELETE FROM garbage WHERE lane = ?").run(.int(lane)) }
        }
    }
}

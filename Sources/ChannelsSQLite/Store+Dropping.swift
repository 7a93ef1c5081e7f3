import Channels
import GRDB

// What others sent is dropped: purges and flushes.

extension Store {
    /// Drops what waits in a channel or mailbox, up to the number `through`.
    ///
    /// A queue's copies are freed later, a slice at a time, as its lane is another one now. Those of a channel in a
    /// mailbox are found one by one: after ``WorkRemains`` it goes on, for what had been sent before it began.
    func purge(_ name: ChannelName, through last: Int64) throws {
        guard var queue = try findQueue(of: name) else { return }
        try prepare(&queue)
        let isSettled = try settle(&queue)
        if name.isInMailbox {
            // Should work remain, what has been settled is not settled again.
            if isSettled { try save(&queue) }
            try purgeCopies(of: name, through: last, in: &queue)
            return
        }
        layer.lane += 1
        queue.purgedLane = layer.lane
        if queue.pending > 0 {
            try prepared("INSERT INTO garbage VALUES (?)").run(.int(queue.lane))
            queue.lane = layer.lane
            layer.pending -= queue.pending
            count(\.purged, queue.pending, in: &queue)
            queue.pending = 0
            queue.firstDeadline = Queue.never
        }
        try save(&queue)
    }

    private func purgeCopies(of name: ChannelName, through last: Int64, in queue: inout Queue) throws {
        guard !slice.isUsedUp else { throw WorkRemains() }
        let limit = slice.rows
        let copies = try prepared(
            "SELECT number, stamp, bytes FROM copy WHERE lane = ? AND name = ? AND number <= ? ORDER BY number LIMIT ?"
        ).all(.int(queue.lane), .text(name.rawValue), .int(last), .int(limit)) { CopyKey($0) }
        var purged = 0
        for copy in copies where !slice.isUsedUp {
            try removeCopy(number: copy.number, stamp: copy.stamp, from: &queue)
            slice.use(rows: 1, bytes: copy.stamp == 0 ? copy.bytes : 0)
            purged += 1
        }
        count(\.purged, purged, in: &queue)
        layer.lane += 1
        purges.add(name, lane: layer.lane)
        try save(&queue)
        if purged < copies.count || copies.count == limit { throw WorkRemains() }
    }

    private static var flushedTables: [String] {
        ["copy", "message", "garbage", "entry", "span", "membership", "subscription", "ending", "exclusion", "grp"]
    }

    /// Drops everything. Tables are emptied as wholes, which costs by their pages, not by their rows.
    ///
    /// What had expired when it began (`begin`) counts as expired.
    ///
    /// - Throws: ``WorkRemains``
    func flush(begin: Int64) throws {
        while true {
            try forgetQueues()
            let due = try prepared(
                "SELECT name FROM queue WHERE sweepAt <= ? AND pending > 0 AND firstDeadline <= ? LIMIT 100"
            ).all(.int(begin), .int(begin)) { try $0.channelName(0) }
            guard !due.isEmpty else { break }
            for name in due {
                guard var queue = try findQueue(of: name) else { continue }
                try drainExpired(&queue)
                try scheduleNext(queue)
            }
        }
        layer.lane += 1
        purges.addAll(lane: layer.lane)
        for table in Self.flushedTables {
            try database.execute(sql: "DELETE FROM \(table)")
        }
        try prepared(
            """
            UPDATE queue SET purged = purged + pending, pending = 0, settledThrough = ?, firstDeadline = ?,
                sweepAt = MIN(sweepAt, ?), lastChange = ?
            """
        ).run(.int(layer.sequence), .int(Queue.never), .int(now + Self.countsKept), .int(now))
        layer.counts.purged += layer.pending
        layer.pending = 0
        layer.groups = 0
    }
}

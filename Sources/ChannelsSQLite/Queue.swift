import Channels

/// What shares one capacity: a channel of its own, or a mailbox with all its channels. A row, changed in memory, then
/// saved.
struct Queue {
    let id: Int64
    let name: ChannelName
    /// Under which its copies stand.
    var lane: Int64
    /// What waits, expired copies included until they are drained.
    var pending: Int
    /// Group copies up to this number have been looked at.
    var settledThrough: Int64
    /// No copy expires before this.
    var firstDeadline: Int64
    /// No copy that stands in the order of its deadline expires after this.
    var lastDeadline: Int64
    /// When a sweep must look at it.
    var sweepAt: Int64
    /// The lane that came with the last purge of all of it.
    var purgedLane: Int64
    var lastChange: Int64
    var counts: MessageCounts

    static let never = Int64.max

    init(id: Int64, name: ChannelName, lane: Int64, settledThrough: Int64, now: Int64) {
        self.id = id
        self.name = name
        self.lane = lane
        self.settledThrough = settledThrough
        pending = 0
        firstDeadline = Self.never
        lastDeadline = 0
        sweepAt = Self.never
        purgedLane = 0
        lastChange = now
        counts = MessageCounts()
    }

    init(_ row: PreparedStatement, name: ChannelName) {
        id = row.int(0)
        self.name = name
        lane = row.int(1)
        pending = Int(row.int(2))
        settledThrough = row.int(3)
        firstDeadline = row.int(4)
        sweepAt = row.int(5)
        lastChange = row.int(6)
        counts = MessageCounts(row, at: 7)
        lastDeadline = row.int(13)
        purgedLane = row.int(14)
    }
}

extension Store {
    func findQueue(of channel: ChannelName) throws -> Queue? {
        let name = channel.queue
        if let queue = queues.find(name) { return queue }
        if queues.isFull { try forgetQueues() }
        let found = try prepared(
            """
            SELECT id, lane, pending, settledThrough, firstDeadline, sweepAt, lastChange,
                sent, delivered, expired, purged, rejected, dropped, lastDeadline,
                purgedLane
            FROM queue WHERE name = ?
            """
        ).first(.text(name.rawValue)) { Queue($0, name: name) }
        if let found { queues.add(found) }
        return found
    }

    func makeQueue(of channel: ChannelName) throws -> Queue {
        if let queue = try findQueue(of: channel) { return queue }
        layer.lane += 1
        layer.queues += 1
        // The lane is as good as an id: neither is ever given twice.
        let queue = Queue(
            id: layer.lane, name: channel.queue, lane: layer.lane, settledThrough: layer.sequence, now: now)
        try prepared("INSERT INTO queue VALUES (?, ?, ?, 0, ?, ?, 0, ?, 0, ?, 0, 0, 0, 0, 0, 0)").run(
            .int(queue.id), .text(queue.name.rawValue), .int(queue.lane), .int(queue.settledThrough),
            .int(queue.firstDeadline), .int(queue.sweepAt), .int(now))
        queues.add(queue)
        return queue
    }

    /// Has it written, after a change that counts as one.
    func save(_ queue: inout Queue) throws {
        queue.lastChange = now
        try write(&queue)
    }

    func write(_ queue: inout Queue) throws {
        let due = queue.pending > 0 ? queue.firstDeadline : queue.lastChange + Self.countsKept
        // Only ever earlier: a sweep that comes too early costs less than to move it each time.
        if due < queue.sweepAt {
            queue.sweepAt = due
            try prepared("UPDATE queue SET sweepAt = ? WHERE id = ?").run(.int(due), .int(queue.id))
        }
        queues.change(queue)
    }

    /// Writes what has changed.
    func saveQueues() throws { for queue in queues.takeChanged() { try update(queue) } }

    /// Before a statement changes the table, or looks at other columns than those that are always current in it.
    func forgetQueues() throws {
        try saveQueues()
        queues.removeAll()
    }

    /// None of these columns is in an index, which would have to be written too.
    private func update(_ queue: Queue) throws {
        try prepared(
            """
            UPDATE queue SET lane = ?, pending = ?, settledThrough = ?, firstDeadline = ?, lastDeadline = ?,
                purgedLane = ?, lastChange = ?, sent = ?, delivered = ?, expired = ?, purged = ?, rejected = ?, dropped = ?
            WHERE id = ?
            """
        ).run(
            .int(queue.lane), .int(queue.pending), .int(queue.settledThrough), .int(queue.firstDeadline),
            .int(queue.lastDeadline), .int(queue.purgedLane), .int(queue.lastChange), .int(queue.counts.sent),
            .int(queue.counts.delivered), .int(queue.counts.expired), .int(queue.counts.purged),
            .int(queue.counts.rejected), .int(queue.counts.dropped), .int(queue.id))
    }

    /// How long a channel's counts are kept after its last message, membership and receiver.
    static var countsKept: Int64 { 60_000_000_000 }
}

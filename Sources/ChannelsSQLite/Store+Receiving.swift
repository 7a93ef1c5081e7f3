import Channels
import GRDB

extension Store {
    /// Takes what is there for a receiver, oldest first over its names; settles all of them.
    func receive(_ names: [ChannelName], options: ReceiveOptions) throws -> [Delivery] {
        var queues: [String: Queue] = [:]
        for name in names where queues[name.queue.rawValue] == nil {
            guard var queue = try findQueue(of: name) else { continue }
            try prepare(&queue)
            if try settle(&queue) { try save(&queue) }
            queues[name.queue.rawValue] = queue
        }
        var heads: [(name: ChannelName, head: Head)] = []
        for name in names {
            guard let queue = queues[name.queue.rawValue], queue.pending > 0 else { continue }
            if let head = try head(of: name, in: queue) { heads.append((name, head)) }
        }
        var deliveries: [Delivery] = []
        var contentBytes = 0
        while deliveries.count < options.messagesMax,
            let index = heads.indices.min(by: { heads[$0].head < heads[$1].head })
        {
            let (name, head) = heads[index]
            guard deliveries.isEmpty || contentBytes + Int(head.bytes) <= options.contentBytesMax else { break }
            guard var queue = queues.removeValue(forKey: name.queue.rawValue) else { break }
            deliveries.append(try take(head, named: name, from: &queue))
            contentBytes += Int(head.bytes)
            let next = deliveries.count < options.messagesMax ? try self.head(of: name, in: queue) : nil
            if let next { heads[index].head = next } else { heads.remove(at: index) }
            queues[name.queue.rawValue] = queue
        }
        if !deliveries.isEmpty {
            let touched = Set(deliveries.map(\.channel.queue.rawValue))
            for name in touched { if var queue = queues[name] { try save(&queue) } }
        }
        return deliveries
    }

    private func head(of name: ChannelName, in queue: Queue) throws -> Head? {
        name.isInMailbox
            ? try prepared(
                "SELECT number, stamp, name, bytes FROM copy WHERE lane = ? AND name = ? ORDER BY number, stamp LIMIT 1"
            ).first(.int(queue.lane), .text(name.rawValue)) { Head($0) }
            : try prepared("SELECT number, stamp, name, bytes FROM copy WHERE lane = ? ORDER BY number, stamp LIMIT 1")
                .first(.int(queue.lane)) { Head($0) }
    }

    private func take(_ head: Head, named name: ChannelName, from queue: inout Queue) throws -> Delivery {
        let stored = try prepared(
            "SELECT sentAt, deadline, groupName, isJSON, contentType, content FROM message WHERE number = ?"
        ).first(.int(head.number)) { row in
            StoredMessage(
                number: head.number, stamp: head.stamp, sentAt: row.int(0), deadline: row.int(1),
                group: try row.text(2).map { try GroupName($0) },
                message: Message(content: row.bytes(5), contentType: row.text(4), isJSON: row.int(3) != 0))
        }
        guard let stored else { throw DamagedFile(what: "message \(head.number) of '\(queue.name)' has no content") }
        try removeCopy(number: head.number, stamp: head.stamp, from: &queue)
        return delivery(of: stored, in: try head.name.map { try ChannelName($0) } ?? queue.name, &queue)
    }

    /// Counts a message as delivered, and makes the delivery.
    func delivery(of stored: StoredMessage, in channel: ChannelName, _ queue: inout Queue) -> Delivery {
        count(\.delivered, 1, in: &queue)
        return Delivery(
            id: id(stored.number), channel: channel, group: stored.group, message: stored.message,
            receipt: Delivery.Receipt(token: purges.stamp, reference: TakenMessage(stored)))
    }

    func id(_ number: Int64) -> MessageID { MessageID(epoch: UInt64(layer.epoch), number: UInt64(number)) }

    // MARK: Giving back

    /// Takes a delivery back, of which not one byte reached a client: to who waits, else to the head of its channel.
    func giveBack(_ delivery: Delivery) throws {
        guard let taken = delivery.receipt.reference as? TakenMessage else {
            preconditionFailure("a delivery goes back to the backend that it came from")
        }
        let stored = taken.stored
        var queue = try makeQueue(of: delivery.channel)
        try drainExpired(&queue)
        if queue.counts.delivered > 0 {
            queue.counts.delivered -= 1
        } else {
            queue.counts.sent += 1  // its counts began anew since
        }
        layer.counts.delivered -= 1
        if purges.concern(delivery.channel, after: delivery.receipt.token) {
            count(\.purged, 1, in: &queue)
        } else if stored.deadline <= now {
            count(\.expired, 1, in: &queue)
        } else if let waiter = room.first(for: delivery.channel) {
            waiter.deliveries = [self.delivery(of: stored, in: delivery.channel, &queue)]
            room.end(waiter)
        } else {
            try insert(stored)
            try insertCopy(
                number: stored.number, stamp: stored.stamp, channel: delivery.channel, deadline: stored.deadline,
                bytes: Int64(stored.message.content.count), isReturned: true, into: &queue)
        }
        try save(&queue)
    }

    // MARK: Purging

    /// Drops what waits in a channel or mailbox. The copies are freed later, a slice at a time.
    func purge(_ name: ChannelName) throws {
        guard var queue = try findQueue(of: name) else { return purges.add(name, now: now) }
        try prepare(&queue)
        _ = try settle(&queue)
        purges.add(name, now: now)
        if name.isInMailbox {
            let copies = try prepared("SELECT number, stamp FROM copy WHERE lane = ? AND name = ?").all(
                .int(queue.lane), .text(name.rawValue)
            ) { (number: $0.int(0), stamp: $0.int(1)) }
            for copy in copies { try removeCopy(number: copy.number, stamp: copy.stamp, from: &queue) }
            count(\.purged, copies.count, in: &queue)
        } else if queue.pending > 0 {
            try prepared("INSERT INTO garbage VALUES (?)").run(.int(queue.lane))
            layer.lane += 1
            queue.lane = layer.lane
            layer.pending -= queue.pending
            count(\.purged, queue.pending, in: &queue)
            queue.pending = 0
            queue.firstDeadline = Queue.never
        }
        try save(&queue)
    }

    private static var flushedTables: [String] {
        ["copy", "message", "garbage", "entry", "span", "membership", "subscription", "ending", "exclusion", "grp"]
    }

    /// Drops everything. Tables are emptied as wholes, which costs by their pages, not by their rows.
    func flush() throws {
        // What has expired counts as expired.
        let due = try prepared("SELECT name FROM queue WHERE sweepAt <= ? AND pending > 0 AND firstDeadline <= ?")
            .all(.int(now), .int(now)) { try ChannelName($0.text(0) ?? "") }
        for name in due { if var queue = try findQueue(of: name) { try drainExpired(&queue) } }
        purges.addAll()
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

/// The oldest copy of a queue or channel.
private struct Head: Comparable {
    let number: Int64
    let stamp: Int64
    /// Of the channel in its mailbox; nil for the queue's own.
    let name: String?
    let bytes: Int64

    init(_ row: PreparedStatement) {
        number = row.int(0)
        stamp = row.int(1)
        name = row.text(2)
        bytes = row.int(3)
    }

    static func < (left: Self, right: Self) -> Bool { (left.number, left.stamp) < (right.number, right.stamp) }
}

/// What a delivery carries, so that it finds its place again when it is given back.
final class TakenMessage: Sendable {
    let stored: StoredMessage
    init(_ stored: StoredMessage) { self.stored = stored }
}

/// The file says two things that cannot both be.
struct DamagedFile: Error {
    let what: String
}

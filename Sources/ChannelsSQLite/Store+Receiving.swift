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
        var touched: Set<String> = []
        while deliveries.count < options.messagesMax,
            let index = heads.indices.min(by: { heads[$0].head < heads[$1].head })
        {
            let (name, head) = heads[index]
            guard deliveries.isEmpty || contentBytes + Int(head.bytes) <= options.contentBytesMax else { break }
            guard var queue = queues.removeValue(forKey: name.queue.rawValue) else { break }
            if let delivery = try take(head, named: name, from: &queue) {
                deliveries.append(delivery)
                contentBytes += delivery.message.content.count
            }
            touched.insert(name.queue.rawValue)
            let next = deliveries.count < options.messagesMax ? try self.head(of: name, in: queue) : nil
            if let next { heads[index].head = next } else { heads.remove(at: index) }
            queues[name.queue.rawValue] = queue
        }
        for name in touched { if var queue = queues[name] { try save(&queue) } }
        return deliveries
    }

    private func head(of name: ChannelName, in queue: Queue) throws -> Head? {
        name.isInMailbox
            ? try prepared(
                "SELECT number, stamp, name, bytes FROM copy WHERE lane = ? AND name = ? ORDER BY number, stamp LIMIT 1"
            ).first(.int(queue.lane), .text(name.rawValue)) { try Head($0) }
            : try prepared("SELECT number, stamp, name, bytes FROM copy WHERE lane = ? ORDER BY number, stamp LIMIT 1")
                .first(.int(queue.lane)) { try Head($0) }
    }

    private func take(_ head: Head, named name: ChannelName, from queue: inout Queue) throws -> Delivery? {
        let stored = try prepared(
            "SELECT sentAt, deadline, groupName, isJSON, contentType, content FROM message WHERE number = ?"
        ).first(.int(head.number)) { row in
            StoredMessage(
                number: head.number, stamp: head.stamp, sentAt: row.int(0), deadline: row.int(1),
                group: row.text(2) == nil ? nil : try row.groupName(2),
                message: Message(content: try row.bytes(5), contentType: row.text(4), isJSON: row.int(3) != 0))
        }
        try removeCopy(number: head.number, stamp: head.stamp, from: &queue)
        guard let stored else {
            // The file is damaged. Those behind it must not wait for ever.
            count(\.purged, 1, in: &queue)
            return nil
        }
        takenBytes += stored.message.content.count
        return delivery(of: stored, in: head.name ?? queue.name, &queue)
    }

    /// Counts a message as delivered, and makes the delivery.
    func delivery(of stored: StoredMessage, in channel: ChannelName, _ queue: inout Queue) -> Delivery {
        count(\.delivered, 1, in: &queue)
        return Delivery(
            id: id(stored.number), channel: channel, group: stored.group, message: stored.message,
            receipt: Delivery.Receipt(token: UInt64(layer.lane), reference: TakenMessage(stored)))
    }

    func id(_ number: Int64) -> MessageID { MessageID(epoch: UInt64(layer.epoch), number: UInt64(number)) }

    // MARK: Giving back

    /// Takes deliveries back, of which not one byte reached a client: to who waits, else to the heads of their channels.
    ///
    /// - Throws: ``WorkRemains``, before any of them has gone back.
    func giveBack(_ deliveries: [Delivery]) throws {
        for name in Set(deliveries.map(\.channel.queue)) {
            if var queue = try findQueue(of: name) { try drainExpired(&queue) }
        }
        for delivery in deliveries { try giveBack(delivery) }
    }

    /// Takes a delivery back, of a queue from which what has expired is out.
    private func giveBack(_ delivery: Delivery) throws {
        guard let taken = delivery.receipt.reference as? TakenMessage else {
            preconditionFailure("a delivery goes back to the backend that it came from")
        }
        let stored = taken.stored
        var queue = try makeQueue(of: delivery.channel)
        if queue.counts.delivered > 0 {
            queue.counts.delivered -= 1
        } else {
            queue.counts.sent += 1  // its counts began anew since
        }
        layer.counts.delivered -= 1
        let lane = Int64(delivery.receipt.token)
        if queue.purgedLane > lane || purges.concern(delivery.channel, since: lane) {
            count(\.purged, 1, in: &queue)
        } else if stored.deadline <= now {
            count(\.expired, 1, in: &queue)
        } else if let waiter = room.first(for: delivery.channel) {
            waiter.add(self.delivery(of: stored, in: delivery.channel, &queue))
            room.end(waiter)
        } else {
            try insert(stored)
            try insertCopy(
                number: stored.number, stamp: stored.stamp, channel: delivery.channel, deadline: stored.deadline,
                bytes: Int64(stored.message.content.count), isReturned: true, into: &queue)
        }
        try save(&queue)
    }
}

/// The oldest copy of a queue or channel.
private struct Head: Comparable {
    let number: Int64
    let stamp: Int64
    /// Of the channel in its mailbox; nil for the queue's own.
    let name: ChannelName?
    let bytes: Int64

    init(_ row: PreparedStatement) throws {
        number = row.int(0)
        stamp = row.int(1)
        name = row.text(2) == nil ? nil : try row.channelName(2)
        bytes = row.int(3)
    }

    static func < (left: Self, right: Self) -> Bool { (left.number, left.stamp) < (right.number, right.stamp) }
}

/// What a delivery carries, so that it finds its place again when it is given back.
final class TakenMessage: Sendable {
    let stored: StoredMessage
    init(_ stored: StoredMessage) { self.stored = stored }
}

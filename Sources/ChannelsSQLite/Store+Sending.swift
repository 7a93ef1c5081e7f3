import Channels

/// What a send answers, before the epoch is added.
struct SendNumbers: Equatable {
    var number: Int64
    var pending: Int
    var capacity: Int
}

extension Store {
    /// Sends to one channel: settles its queue, hands over to who waits, else stores.
    ///
    /// - Throws: `channelFull`; ``WorkRemains``
    func send(_ message: Message, to name: ChannelName, options: SendOptions) throws -> SendNumbers {
        let expiry = options.expiry ?? settings.expiry
        let capacity = settings.capacity(of: name.queue)
        var queue = try makeQueue(of: name)
        try prepare(&queue)
        _ = try settle(&queue)
        let sent = StoredMessage(
            number: layer.sequence + 1, stamp: 0, sentAt: now, deadline: now + expiry.nanoseconds, group: nil,
            message: message)

        if let waiter = room.first(for: name) {
            layer.sequence += 1
            count(\.sent, 1, in: &queue)
            waiter.add(delivery(of: sent, in: name, &queue))
            room.end(waiter)
            try save(&queue)
            return SendNumbers(number: sent.number, pending: 0, capacity: capacity)
        }
        guard expiry > .zero else {
            layer.sequence += 1
            count(\.sent, 1, in: &queue)
            count(\.expired, 1, in: &queue)
            try save(&queue)
            return SendNumbers(number: sent.number, pending: queue.pending, capacity: capacity)
        }
        guard queue.pending < capacity else {
            count(\.rejected, 1, in: &queue)
            try save(&queue)
            throw ChannelError.channelFull(queue.name, capacity: capacity, pending: queue.pending)
        }
        layer.sequence += 1
        count(\.sent, 1, in: &queue)
        try insert(sent)
        try insertCopy(
            number: sent.number, stamp: 0, channel: name, deadline: sent.deadline, bytes: Int64(message.content.count),
            into: &queue)
        try save(&queue)
        return SendNumbers(number: sent.number, pending: queue.pending, capacity: capacity)
    }

    /// Sends to a group: one entry in its log, and a copy to each member that waits right now.
    func sendGroup(
        _ message: Message, to name: GroupName, options: GroupSendOptions
    ) throws -> (number: Int64, members: Int) {
        let expiry = options.expiry ?? settings.expiry
        guard let found = try findGroup(name) else {
            layer.sequence += 1
            layer.groupSends += 1
            return (layer.sequence, 0)
        }
        // Should a slice not suffice, who lapsed within the last second is still counted, but gets nothing.
        _ = try drainLapses(of: found)
        guard var group = try group(found.id) else { preconditionFailure("a group is there until it is swept") }
        let excluded = try members(of: group, named: options.excluded)
        layer.sequence += 1
        layer.groupSends += 1
        // Ending who is found lapsed among the excluded changes the count.
        group.members = try self.group(group.id)?.members ?? 0
        let due = group.members - excluded.count
        layer.groupCopies += due
        guard due > 0 else { return (layer.sequence, 0) }
        let sent = StoredMessage(
            number: layer.sequence, stamp: 0, sentAt: now, deadline: now + expiry.nanoseconds, group: name,
            message: message)
        let served = try serveWaiters(of: group, with: sent, except: Set(excluded.map(\.stamp)))
        if expiry > .zero, served.count < due {
            try insert(sent)
            try insertEntry(sent, of: group)
            layer.lastGroupNumber = sent.number
            // A channel of its own that was served has settled; in a mailbox others may have something unread.
            for member in excluded + served.filter(\.name.isOfMailbox) {
                try prepared("INSERT INTO exclusion (queue, number, stamp, deadline) VALUES (?, ?, ?, ?)").run(
                    .int(member.queue), .int(sent.number), .int(member.stamp), .int(sent.deadline))
            }
        }
        return (sent.number, due)
    }

    /// The unexpired members among `names`, each once. Ends those that it finds lapsed.
    private func members(of group: Group, named names: [ChannelName]) throws -> [Membership] {
        var found: [Int64: Membership] = [:]
        for name in names {
            guard let member = try membership(of: name, in: group) else { continue }
            if member.deadline <= now { try endLapsed(member) } else { found[member.stamp] = member }
        }
        return Array(found.values)
    }

    // MARK: Receipts

    func receipt(sending message: Message, to channel: ChannelName, options: SendOptions) throws -> SendReceipt {
        let sent = try send(message, to: channel, options: options)
        return SendReceipt(id: id(sent.number), pending: sent.pending, capacity: sent.capacity)
    }

    func receipt(
        sending message: Message, to group: GroupName, options: GroupSendOptions
    ) throws -> GroupSendReceipt {
        let sent = try sendGroup(message, to: group, options: options)
        return GroupSendReceipt(id: id(sent.number), members: sent.members)
    }

    // MARK: Counting and storing

    /// Adds to a queue's count and to the layer's.
    func count(_ path: WritableKeyPath<MessageCounts, Int>, _ change: Int, in queue: inout Queue) {
        queue.counts[keyPath: path] += change
        layer.counts[keyPath: path] += change
    }

    /// A message that is there already (that of a group, given back) stays.
    func insert(_ stored: StoredMessage) throws {
        let message = stored.message
        try prepared(
            """
            INSERT INTO message (number, sentAt, deadline, groupName, isJSON, contentType, content)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """
        ).run(
            .int(stored.number), .int(stored.sentAt), .int(stored.deadline), .optional(stored.group?.rawValue),
            .int(message.isJSON ? 1 : 0), .optional(message.contentType), bytes: message.content)
    }

    func insertCopy(
        number: Int64, stamp: Int64, channel: ChannelName, deadline: Int64, bytes: Int64, isReturned: Bool = false,
        into queue: inout Queue
    ) throws {
        if queue.pending == 0 { queue.lastDeadline = 0 }
        // One that comes back stands in front of younger ones, whatever its deadline.
        let isEarly = isReturned || deadline < queue.lastDeadline
        if !isEarly { queue.lastDeadline = deadline }
        try prepared(
            "INSERT INTO copy (lane, number, stamp, name, deadline, bytes, isEarly) VALUES (?, ?, ?, ?, ?, ?, ?)"
        ).run(
            .int(queue.lane), .int(number), .int(stamp), channel.isInMailbox ? .text(channel.rawValue) : .null,
            .int(deadline), .int(bytes), .int(isEarly ? 1 : 0))
        queue.firstDeadline = min(queue.firstDeadline, deadline)
        queue.pending += 1
        layer.pending += 1
    }

    func removeCopy(number: Int64, stamp: Int64, from queue: inout Queue) throws {
        try prepared("DELETE FROM copy WHERE lane = ? AND number = ? AND stamp = ?").run(
            .int(queue.lane), .int(number), .int(stamp))
        // A group's stays, for the other copies, until it expires.
        if stamp == 0 { try prepared("DELETE FROM message WHERE number = ?").run(.int(number)) }
        queue.pending -= 1
        layer.pending -= 1
    }

    /// Takes expired copies out of a queue, as far as the slice goes.
    ///
    /// - Throws: ``WorkRemains`` where there are more.
    func drainExpired(_ queue: inout Queue) throws {
        guard queue.firstDeadline <= now else { return }
        guard !slice.isUsedUp else { throw WorkRemains() }
        var expired = try prepared(
            """
            SELECT number, stamp, bytes FROM copy WHERE lane = ? AND isEarly = 1 AND deadline <= ?
            ORDER BY deadline LIMIT ?
            """
        ).all(.int(queue.lane), .int(now), .int(slice.rows)) { CopyKey($0) }
        // The others expire from the head on.
        let others = try prepared(
            """
            SELECT number, stamp, bytes, deadline FROM copy WHERE lane = ? AND isEarly = 0
            ORDER BY number, stamp LIMIT ?
            """
        ).all(.int(queue.lane), .int(slice.rows - expired.count)) { (key: CopyKey($0), deadline: $0.int(3)) }
        expired += others.prefix { $0.deadline <= now }.map(\.key)
        var drained = 0
        for copy in expired where !slice.isUsedUp {
            try removeCopy(number: copy.number, stamp: copy.stamp, from: &queue)
            slice.use(bytes: copy.stamp == 0 ? copy.bytes : 0)
            drained += 1
        }
        count(\.expired, drained, in: &queue)
        queue.firstDeadline =
            try min(
                prepared("SELECT deadline FROM copy WHERE lane = ? AND isEarly = 1 ORDER BY deadline LIMIT 1")
                    .first(.int(queue.lane)) { $0.int(0) } ?? Queue.never,
                prepared("SELECT deadline FROM copy WHERE lane = ? AND isEarly = 0 ORDER BY number, stamp LIMIT 1")
                    .first(.int(queue.lane)) { $0.int(0) } ?? Queue.never)
        if drained == 0 { try write(&queue) } else { try save(&queue) }
        if slice.isUsedUp, queue.firstDeadline <= now { throw WorkRemains() }
    }
}

/// Which copy of a lane, and how large its content is.
struct CopyKey {
    let number: Int64
    let stamp: Int64
    let bytes: Int

    init(_ row: PreparedStatement) {
        number = row.int(0)
        stamp = row.int(1)
        bytes = Int(row.int(2))
    }
}

/// A message with its number and times, as the file holds it.
struct StoredMessage: Sendable {
    let number: Int64
    /// Of the membership by which a group copy came; 0 for a direct message.
    var stamp: Int64
    let sentAt: Int64
    let deadline: Int64
    let group: GroupName?
    let message: Message
}

extension ChannelName {
    /// True for `inbox!` and `inbox!ann`.
    var isOfMailbox: Bool { mailbox != nil }
}

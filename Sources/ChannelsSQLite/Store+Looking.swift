import Channels

extension Store {
    /// What is going on in a channel or mailbox, as settling would leave it.
    func status(of name: ChannelName) throws -> ChannelStatus {
        var status = ChannelStatus(
            pending: 0, capacity: settings.capacity(of: name.queue), waiting: room.count(for: name), groups: [],
            counts: name.isInMailbox ? nil : MessageCounts())
        guard var queue = try findQueue(of: name) else { return status }
        try prepare(&queue)
        let settlement = try settlement(of: queue)
        let copies = settlement?.accepted ?? []
        // What was sent since the queue settled is younger than what waits.
        if name.isInMailbox {
            let own = copies.filter { $0.channel == name }
            let waiting = try prepared("SELECT COUNT(*) FROM copy WHERE lane = ? AND name = ?").first(
                .int(queue.lane), .text(name.rawValue)
            ) { Int($0.int(0)) }
            let oldest = try prepared(
                """
                SELECT sentAt FROM copy JOIN message USING (number) WHERE lane = ? AND name = ?
                ORDER BY copy.number LIMIT 1
                """
            ).first(.int(queue.lane), .text(name.rawValue)) { $0.int(0) }
            status.pending = (waiting ?? 0) + own.count
            status.oldestAge = (oldest ?? own.first?.sentAt).map { .nanoseconds(now - $0) }
        } else {
            let oldest = try prepared(
                "SELECT sentAt FROM copy JOIN message USING (number) WHERE lane = ? ORDER BY copy.number LIMIT 1"
            ).first(.int(queue.lane)) { $0.int(0) }
            status.pending = queue.pending + copies.count
            status.oldestAge = (oldest ?? copies.first?.sentAt).map { .nanoseconds(now - $0) }
            var counts = queue.counts
            counts.sent += copies.count
            counts.dropped += settlement?.dropped ?? 0
            status.counts = counts
        }
        status.groups = try groupNames(of: name, in: queue)
        return status
    }

    private func groupNames(of name: ChannelName, in queue: Queue) throws -> [GroupName] {
        let names =
            name.isMailbox
            ? try prepared(
                """
                SELECT g.name FROM subscription s JOIN grp g ON g.id = s.grp
                WHERE s.queue = ?1 AND g.isClosed = 0 AND EXISTS (
                    SELECT 1 FROM membership m WHERE m.queue = ?1 AND m.grp = s.grp AND +m.deadline > ?2)
                """
            ).all(.int(queue.id), .int(now)) { try $0.groupName(0) }
            : try prepared(
                """
                SELECT g.name FROM membership m JOIN grp g ON g.id = m.grp
                WHERE m.name = ? AND m.deadline > ? AND g.isClosed = 0
                """
            ).all(.text(name.rawValue), .int(now)) { try $0.groupName(0) }
        return names.sorted()
    }

    /// `channels` counts queues: the channels of a mailbox are one.
    func stats() throws -> LayerStats {
        let pages = try prepared("PRAGMA page_count").first { Int($0.int(0)) } ?? 0
        let free = try prepared("PRAGMA freelist_count").first { Int($0.int(0)) } ?? 0
        let pageBytes = try prepared("PRAGMA page_size").first { Int($0.int(0)) } ?? 0
        return LayerStats(
            counts: layer.counts, pending: layer.pending, groupSends: layer.groupSends,
            groupCopies: layer.groupCopies, lost: 0, channels: layer.queues, groups: layer.groups, waiting: room.count,
            bytes: (pages - free) * pageBytes, bytesMax: nil)
    }
}

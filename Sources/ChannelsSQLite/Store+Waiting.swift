import Channels

extension Store {
    /// Takes what is there, else parks the waiter: nil. Where its wait has ended already it is not parked, and takes nothing
    /// if it was cancelled.
    ///
    /// - Throws: `layerFull`; ``WorkRemains``
    func receive(for waiter: Waiter) throws -> [Delivery]? {
        if waiter.end == .cancellation { return [] }
        let deliveries = try receive(waiter.names, options: waiter.options)
        guard deliveries.isEmpty, waiter.end == nil else { return deliveries }
        guard room.linkCount + waiter.names.count <= WaitingRoom.linksMax else {
            throw ChannelError(
                .layerFull, "As many receivers wait on this layer as may. Receive without waiting, or try again later.",
                limit: WaitingRoom.linksMax, actual: room.linkCount)
        }
        for name in waiter.names where !room.isWaited(on: name) {
            for group in try groups(of: name) { room.note(name, in: group) }
        }
        room.park(waiter)
        return nil
    }

    /// Those of which `name`, or a channel of the mailbox `name`, is or was a member.
    private func groups(of name: ChannelName) throws -> [Int64] {
        name.isMailbox
            ? try prepared("SELECT s.grp FROM subscription s JOIN queue q ON q.id = s.queue WHERE q.name = ?")
                .all(.text(name.rawValue)) { $0.int(0) }
            : try prepared("SELECT grp FROM membership WHERE name = ?").all(.text(name.rawValue)) { $0.int(0) }
    }

    /// Hands the copies of a group send to the receivers that wait for them, in order of arrival: to each all that are
    /// meant for its channels, up to its limits. Returns the members that were served.
    func serveWaiters(
        of group: Group, with sent: StoredMessage, except excluded: Set<Int64>
    ) throws -> [Membership] {
        let names = room.namesWaiting(in: group.id)
        guard !names.isEmpty else { return [] }
        var waiters: [Waiter] = []
        var seen: Set<ObjectIdentifier> = []
        for name in names {
            for waiter in room.waiters(on: name) where seen.insert(ObjectIdentifier(waiter)).inserted {
                waiters.append(waiter)
            }
        }
        waiters.sort { $0.arrival < $1.arrival }
        let wanted = waiters.reduce(excluded.count) { min($0 + $1.options.messagesMax, 1_000_000) }
        var members: [String: [Membership]] = [:]
        for name in names {
            members[name] = try waitingMembers(ChannelName(name), in: group, countMax: wanted)
                .filter { !excluded.contains($0.stamp) }
        }
        var served: [Membership] = []
        var servedStamps: Set<Int64> = []
        // How far each name's members have been handed out: many may wait on one mailbox.
        var positions: [String: Int] = [:]
        /// The first on that name that has not been served.
        func next(on name: String) -> Membership? {
            guard let list = members[name] else { return nil }
            var position = positions[name] ?? 0
            while position < list.count, servedStamps.contains(list[position].stamp) { position += 1 }
            positions[name] = position
            return position < list.count ? list[position] : nil
        }
        let size = sent.message.content.count
        for waiter in waiters {
            while waiter.hasRoom(forBytes: size),
                let member = waiter.names.compactMap({ next(on: $0.rawValue) }).min(by: { $0.stamp < $1.stamp })
            {
                servedStamps.insert(member.stamp)
                guard var queue = try findQueue(of: member.name) else { continue }
                // With its first, so that a rollback finds it among those that ended.
                if waiter.deliveries.isEmpty { room.end(waiter) }
                var copy = sent
                copy.stamp = member.stamp
                count(\.sent, 1, in: &queue)
                waiter.add(delivery(of: copy, in: member.name, &queue))
                // All that was sent to it since its receiver came went to a receiver: nothing is unread.
                if !member.name.isOfMailbox { queue.settledThrough = sent.number }
                try save(&queue)
                served.append(member)
            }
        }
        return served
    }

    private func waitingMembers(_ name: ChannelName, in group: Group, countMax: Int) throws -> [Membership] {
        guard name.isMailbox else {
            return [try membership(of: name, in: group)].compactMap { $0 }.filter { $0.deadline > now }
        }
        // The mailbox's own name is one of them, where it is a member.
        return try prepared(
            """
            SELECT grp, name, queue, joinedAfter, stamp, deadline FROM membership
            WHERE queue = (SELECT id FROM queue WHERE name = ?) AND grp = ? AND +deadline > ?
            ORDER BY joinedAfter, stamp LIMIT ?
            """
        ).all(.text(name.rawValue), .int(group.id), .int(now), .int(countMax)) { try Membership($0) }
    }
}

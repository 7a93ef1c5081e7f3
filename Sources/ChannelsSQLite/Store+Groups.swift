import Channels
import GRDB

extension Store {
    /// Makes a channel a member of a group, or renews it.
    func groupAdd(_ name: ChannelName, to groupName: GroupName, expiry: Duration) throws {
        let deadline = now + expiry.nanoseconds
        if let group = try findGroup(groupName), let member = try membership(of: name, in: group) {
            if member.deadline > now {
                guard deadline > member.deadline else { return }
                try prepared("UPDATE membership SET deadline = ? WHERE grp = ? AND name = ?").run(
                    .int(deadline), .int(group.id), .text(name.rawValue))
                return
            }
            try endLapsed(member)
        }
        guard expiry > .zero else { return }
        try requireGroupsBelowMax(name)
        let queue = try makeQueue(of: name)
        var group = try makeGroup(groupName)
        layer.joinStamp += 1
        try prepared(
            "INSERT INTO membership (grp, name, queue, joinedAfter, stamp, deadline) VALUES (?, ?, ?, ?, ?, ?)"
        ).run(
            .int(group.id), .text(name.rawValue), .int(queue.id), .int(layer.sequence), .int(layer.joinStamp),
            .int(deadline))
        try prepared(
            """
            INSERT INTO subscription (queue, grp, members, nextLapse) VALUES (?, ?, 1, ?)
            ON CONFLICT DO UPDATE SET members = members + 1, nextLapse = MIN(nextLapse, excluded.nextLapse)
            """
        ).run(.int(queue.id), .int(group.id), .int(deadline))
        if group.members == 0 { layer.groups += 1 }
        group.members += 1
        group.nextLapse = min(group.nextLapse, deadline)
        try save(group)
        if room.isWaited(on: name) { room.note(name, in: group.id) }
        if name.isInMailbox, room.isWaited(on: name.queue) { room.note(name.queue, in: group.id) }
    }

    /// Ends a membership, if there is one.
    func groupDiscard(_ name: ChannelName, from groupName: GroupName) throws {
        guard let group = try findGroup(groupName), let member = try membership(of: name, in: group) else { return }
        if member.deadline <= now { try endLapsed(member) } else { try end(member, after: layer.sequence) }
    }

    func groupMembers(_ name: GroupName, options: GroupMembersOptions) throws -> GroupMembersPage {
        guard let group = try findGroup(name) else { return GroupMembersPage(channels: [], hasMore: false) }
        guard try drainLapses(of: group) else { throw WorkRemains() }
        var channels = try prepared("SELECT name FROM membership WHERE grp = ? AND name > ? ORDER BY name LIMIT ?").all(
            .int(group.id), .text(options.after?.rawValue ?? ""), .int(options.limit + 1)
        ) { try $0.channelName(0) }
        let hasMore = channels.count > options.limit
        if hasMore { channels.removeLast() }
        return GroupMembersPage(channels: channels, hasMore: hasMore)
    }

    /// Removes all members, in O(1): the group is closed. Sweeps clear away what nobody has to read any more.
    func removeGroup(_ name: GroupName) throws {
        guard var group = try findGroup(name) else { return }
        group.isClosed = true
        if group.members > 0 { layer.groups -= 1 }
        try save(group)
    }

    // MARK: Memberships that end

    /// Ends a slice of the group's memberships that lapsed by now. False where there are more.
    func drainLapses(of group: Group) throws -> Bool {
        guard group.nextLapse <= now else { return true }
        guard !slice.isUsedUp else { return false }
        let limit = slice.rows
        let lapsed = try prepared(
            """
            SELECT grp, name, queue, joinedAfter, stamp, deadline FROM membership WHERE grp = ? AND deadline <= ?
            ORDER BY deadline LIMIT ?
            """
        ).all(.int(group.id), .int(now), .int(limit)) { try Membership($0) }
        for member in lapsed { try endLapsed(member) }
        slice.use(rows: lapsed.count)
        guard lapsed.count < limit else { return false }
        try prepared(
            """
            UPDATE grp SET nextLapse = COALESCE((SELECT MIN(deadline) FROM membership WHERE grp = id), ?) WHERE id = ?
            """
        ).run(.int(Queue.never), .int(group.id))
        return true
    }

    /// The same for the memberships of one queue.
    func drainLapses(of queue: Queue, in group: Int64) throws {
        guard !slice.isUsedUp else { throw WorkRemains() }
        let limit = slice.rows
        let lapsed = try prepared(
            """
            SELECT grp, name, queue, joinedAfter, stamp, deadline FROM membership
            WHERE queue = ? AND grp = ? AND +deadline <= ? LIMIT ?
            """
        ).all(.int(queue.id), .int(group), .int(now), .int(limit)) { try Membership($0) }
        for member in lapsed { try endLapsed(member) }
        slice.use(rows: lapsed.count)
        guard lapsed.count < limit else { throw WorkRemains() }
        try prepared(
            """
            UPDATE subscription SET nextLapse = COALESCE(
                (SELECT MIN(+deadline) FROM membership m WHERE m.queue = ?1 AND m.grp = ?2), ?3)
            WHERE queue = ?1 AND grp = ?2
            """
        ).run(.int(queue.id), .int(group), .int(Queue.never))
    }

    /// Ends a membership that lapsed: it gets what was sent before its deadline.
    func endLapsed(_ member: Membership) throws {
        // Backwards: what was sent since it lapsed is little, as a sweep finds it within a second.
        let last = try prepared(
            "SELECT number FROM entry WHERE grp = ? AND sentAt < ? ORDER BY number DESC LIMIT 1"
        ).first(.int(member.group), .int(member.deadline)) { $0.int(0) }
        try end(member, after: last ?? 0)
    }

    /// Ends a membership. What was sent to it up to `number` stays sent.
    private func end(_ member: Membership, after number: Int64) throws {
        try prepared("DELETE FROM membership WHERE grp = ? AND name = ?").run(
            .int(member.group), .text(member.name.rawValue))
        try prepared("UPDATE subscription SET members = members - 1 WHERE queue = ? AND grp = ?").run(
            .int(member.queue), .int(member.group))
        guard var group = try group(member.group) else { return }
        group.members -= 1
        if group.members == 0, !group.isClosed { layer.groups -= 1 }
        try save(group)
        try saveQueues()
        let hasUnread = try prepared(
            """
            SELECT 1 FROM entry
            WHERE grp = ? AND number > MAX(?, (SELECT settledThrough FROM queue WHERE id = ?))
                AND number <= ? AND deadline > ?
            LIMIT 1
            """
        ).first(
            .int(member.group), .int(member.joinedAfter), .int(member.queue), .int(number), .int(now)
        ) { _ in true }
        if hasUnread != nil {
            try prepared(
                """
                INSERT INTO ending (queue, grp, stamp, name, joinedAfter, endedAfter, deadline)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
            ).run(
                .int(member.queue), .int(member.group), .int(member.stamp), .text(member.name.rawValue),
                .int(member.joinedAfter), .int(number), .int(group.lastDeadline))
        } else {
            try tidySubscription(of: member.queue, to: member.group)
        }
    }

    /// Lets go of a subscription without members and endings, and has a sweep look at its queue.
    func tidySubscription(of queue: Int64, to group: Int64) throws {
        try prepared(
            """
            DELETE FROM subscription WHERE queue = ?1 AND grp = ?2 AND members = 0
                AND NOT EXISTS (SELECT 1 FROM ending e WHERE e.queue = ?1 AND e.grp = ?2)
            """
        ).run(.int(queue), .int(group))
        guard database.changesCount > 0 else { return }
        try forgetQueues()
        try prepared("UPDATE queue SET lastChange = ?1, sweepAt = MIN(sweepAt, ?2) WHERE id = ?3").run(
            .int(now), .int(now + Self.countsKept), .int(queue))
    }

    /// - Throws: `tooManyGroups`
    private func requireGroupsBelowMax(_ name: ChannelName) throws {
        let current =
            try prepared(
                """
                SELECT COUNT(*) FROM membership m JOIN grp g ON g.id = m.grp
                WHERE m.name = ? AND m.deadline > ? AND g.isClosed = 0
                """
            ).first(.text(name.rawValue), .int(now)) { Int($0.int(0)) } ?? 0
        guard current >= settings.groupsPerChannelMax else { return }
        throw ChannelError(
            .tooManyGroups, "The channel '\(name)' is in as many groups as it may be. Leave one of them first.",
            limit: settings.groupsPerChannelMax, actual: current)
    }
}

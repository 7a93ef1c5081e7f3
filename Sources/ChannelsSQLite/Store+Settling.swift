import Channels
import GRDB

// Settling: how a queue comes by the group copies that were sent to it. DESIGN and `ChannelsMemory/Group.swift` tell
// the rule.

extension Store {
    /// Brings a queue up to now: what has expired is out, and memberships that lapsed have ended.
    ///
    /// - Throws: ``WorkRemains``
    func prepare(_ queue: inout Queue) throws {
        try drainExpired(&queue)
        guard layer.lastGroupNumber > queue.settledThrough else { return }
        for subscription in try subscriptionsWithNews(of: queue) {
            if subscription.nextExpiry <= now { try drainEntries(of: subscription.group) }
            if subscription.nextLapse <= now { try drainLapses(of: queue, in: subscription.group) }
        }
    }

    /// Settles a prepared queue. True where it changed; then the caller saves it.
    func settle(_ queue: inout Queue) throws -> Bool {
        guard let settlement = try settlement(of: queue) else { return false }
        for copy in settlement.accepted {
            try insertCopy(
                number: copy.number, stamp: copy.stamp, channel: copy.channel, deadline: copy.deadline,
                bytes: copy.bytes, into: &queue)
        }
        count(\.sent, settlement.accepted.count, in: &queue)
        count(\.dropped, settlement.dropped, in: &queue)
        queue.settledThrough = layer.sequence
        // Everything so far has been looked at: endings and exclusions are over.
        if settlement.hadExclusions { try prepared("DELETE FROM exclusion WHERE queue = ?").run(.int(queue.id)) }
        try prepared("DELETE FROM ending WHERE queue = ?").run(.int(queue.id))
        guard database.changesCount > 0 else { return true }
        try prepared("DELETE FROM subscription WHERE queue = ? AND members = 0").run(.int(queue.id))
        return true
    }

    /// What settling a prepared queue comes to; changes nothing. Nil where nothing was sent to its groups since the last.
    func settlement(of queue: Queue) throws -> Settlement? {
        guard layer.lastGroupNumber > queue.settledThrough else { return nil }
        let news = try subscriptionsWithNews(of: queue)
        guard !news.isEmpty else { return nil }
        let exclusions = try exclusions(of: queue)
        var settlement = Settlement(hadExclusions: !exclusions.isEmpty)
        var readers = try news.map { try LogReader(self, queue: queue, group: $0.group) }
        let room = max(0, settings.capacity(of: queue.name) - queue.pending)
        while settlement.accepted.count < room, let index = indexOfOldest(readers), let entry = readers[index].entry {
            let left = room - settlement.accepted.count
            let members = try readers[index].members(at: entry.number, countMax: left + exclusions.count)
            let meant = members.filter { !exclusions.contains(Exclusion(number: entry.number, stamp: $0.stamp)) }
            settlement.accepted += meant.prefix(left).map { member in
                Settlement.Copy(
                    number: entry.number, stamp: member.stamp, channel: member.name, sentAt: entry.sentAt,
                    deadline: entry.deadline, bytes: entry.bytes)
            }
            if settlement.accepted.count < room { try readers[index].advance() }
        }
        if settlement.accepted.count == room {
            for (reader, subscription) in zip(readers, news) {
                settlement.dropped += try reader.dueCount(memberCount: subscription.memberCount)
            }
            settlement.dropped -= exclusions.count + settlement.accepted.count
        }
        return settlement
    }

    private func indexOfOldest(_ readers: [LogReader]) -> Int? {
        var best: Int?
        for index in readers.indices {
            guard let number = readers[index].entry?.number else { continue }
            if let best, let least = readers[best].entry?.number, least < number { continue }
            best = index
        }
        return best
    }

    /// The queue's groups whose logs have entries that it has not looked at. O(its groups).
    private func subscriptionsWithNews(of queue: Queue) throws -> [SubscriptionNews] {
        try prepared(
            """
            SELECT s.grp, s.members, s.nextLapse, g.nextExpiry FROM subscription s JOIN grp g ON g.id = s.grp
            WHERE s.queue = ? AND g.lastNumber > ?
            """
        ).all(.int(queue.id), .int(queue.settledThrough)) {
            SubscriptionNews(
                group: $0.int(0), memberCount: Int($0.int(1)), nextLapse: $0.int(2), nextExpiry: $0.int(3))
        }
    }

    /// Of unread entries that have not expired.
    private func exclusions(of queue: Queue) throws -> Set<Exclusion> {
        Set(
            try prepared("SELECT number, stamp FROM exclusion WHERE queue = ? AND number > ? AND deadline > ?").all(
                .int(queue.id), .int(queue.settledThrough), .int(now)
            ) { Exclusion(number: $0.int(0), stamp: $0.int(1)) })
    }
}

/// The unread group copies of a queue: those for which it has room, in their order, and how many are dropped.
struct Settlement {
    struct Copy {
        let number: Int64
        let stamp: Int64
        let channel: ChannelName
        let sentAt: Int64
        let deadline: Int64
        let bytes: Int64
    }

    var accepted: [Copy] = []
    var dropped = 0
    let hadExclusions: Bool

    init(hadExclusions: Bool) { self.hadExclusions = hadExclusions }
}

private struct SubscriptionNews {
    let group: Int64
    let memberCount: Int
    let nextLapse: Int64
    let nextExpiry: Int64
}

/// That a membership gets no copy of an entry.
private struct Exclusion: Hashable {
    let number: Int64
    let stamp: Int64
}

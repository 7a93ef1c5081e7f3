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
        let news = try subscriptionsWithNews(of: queue)
        guard !news.isEmpty else { return }
        guard try drainEntries(countMax: sliceRowsMax) < sliceRowsMax else { throw WorkRemains() }
        for subscription in news where subscription.nextLapse <= now {
            try drainLapses(of: queue, in: subscription.group)
        }
    }

    /// Settles a prepared queue. True where it changed; then the caller saves it.
    func settle(_ queue: inout Queue) throws -> Bool {
        guard layer.lastGroupNumber > queue.settledThrough else { return false }
        let news = try subscriptionsWithNews(of: queue)
        guard !news.isEmpty else { return false }
        let capacity = settings.capacity(of: queue.name)
        let exclusions = try exclusions(of: queue)
        var readers = try news.map { try LogReader(self, queue: queue, group: $0.group) }
        let room = max(0, capacity - queue.pending)
        var accepted = 0
        while accepted < room, let index = indexOfOldest(readers), let entry = readers[index].entry {
            let members = try readers[index].members(at: entry.number, countMax: room - accepted + exclusions.count)
            for member in members where accepted < room {
                guard !exclusions.contains(Exclusion(number: entry.number, stamp: member.stamp)) else { continue }
                try insertCopy(
                    number: entry.number, stamp: member.stamp, channel: member.name, deadline: entry.deadline,
                    bytes: entry.bytes, into: &queue)
                accepted += 1
            }
            if accepted < room { try readers[index].advance() }
        }
        var dropped = 0
        if accepted == room {
            for (reader, subscription) in zip(readers, news) {
                dropped += try reader.dueCount(memberCount: subscription.memberCount)
            }
            dropped -= exclusions.count + accepted
        }
        count(\.sent, accepted, in: &queue)
        count(\.dropped, dropped, in: &queue)
        queue.settledThrough = layer.sequence
        try forgetRead(queue, news: news, hadExclusions: !exclusions.isEmpty)
        return true
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

    /// Everything so far has been looked at: endings and exclusions are over.
    private func forgetRead(_ queue: Queue, news: [SubscriptionNews], hadExclusions: Bool) throws {
        if hadExclusions { try prepared("DELETE FROM exclusion WHERE queue = ?").run(.int(queue.id)) }
        try prepared("DELETE FROM ending WHERE queue = ?").run(.int(queue.id))
        guard database.changesCount > 0 else { return }
        try prepared("DELETE FROM subscription WHERE queue = ? AND members = 0").run(.int(queue.id))
    }

    /// The queue's groups whose logs have entries that it has not looked at. O(its groups).
    private func subscriptionsWithNews(of queue: Queue) throws -> [SubscriptionNews] {
        try prepared(
            """
            SELECT s.grp, s.members, s.nextLapse FROM subscription s JOIN grp g ON g.id = s.grp
            WHERE s.queue = ? AND g.lastNumber > ?
            """
        ).all(.int(queue.id), .int(queue.settledThrough)) {
            SubscriptionNews(group: $0.int(0), memberCount: Int($0.int(1)), nextLapse: $0.int(2))
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

private struct SubscriptionNews {
    let group: Int64
    let memberCount: Int
    let nextLapse: Int64
}

/// That a membership gets no copy of an entry.
private struct Exclusion: Hashable {
    let number: Int64
    let stamp: Int64
}

/// Reads one group's log for one queue, past what it has looked at.
private struct LogReader {
    struct Entry {
        let number: Int64
        let deadline: Int64
        let bytes: Int64
    }

    struct Ending {
        let name: ChannelName
        let stamp: Int64
        let joinedAfter: Int64
        let endedAfter: Int64
    }

    private let store: Store
    private let queue: Int64
    private let group: Int64
    private let position: Int64
    /// In the order of joining.
    private let endings: [Ending]
    private var page: ArraySlice<Entry> = []

    private static let pageEntriesMax = 64

    init(_ store: Store, queue: Queue, group: Int64) throws {
        self.store = store
        self.queue = queue.id
        self.group = group
        position = queue.settledThrough
        endings = try store.prepared(
            "SELECT name, stamp, joinedAfter, endedAfter FROM ending WHERE queue = ? AND grp = ? ORDER BY stamp"
        ).all(.int(queue.id), .int(group)) {
            Ending(
                name: try ChannelName($0.text(0) ?? ""), stamp: $0.int(1), joinedAfter: $0.int(2),
                endedAfter: $0.int(3))
        }
        let firstMember = try store.prepared(
            "SELECT joinedAfter FROM membership WHERE queue = ? AND grp = ? ORDER BY joinedAfter LIMIT 1"
        ).first(.int(queue.id), .int(group)) { $0.int(0) }
        // Before the first join there may be very many.
        guard let firstJoin = (endings.map(\.joinedAfter) + [firstMember].compactMap { $0 }).min() else { return }
        try readPage(after: max(position, firstJoin))
    }

    /// The one at hand; nil at the end.
    var entry: Entry? { page.first }

    mutating func advance() throws {
        guard let last = page.popFirst(), page.isEmpty else { return }
        try readPage(after: last.number)
    }

    private mutating func readPage(after number: Int64) throws {
        page = try store.prepared(
            """
            SELECT number, deadline, bytes FROM entry WHERE grp = ? AND number > ?
            ORDER BY number LIMIT ?
            """
        ).all(.int(group), .int(number), .int(Self.pageEntriesMax)) {
            Entry(number: $0.int(0), deadline: $0.int(1), bytes: $0.int(2))
        }[...]
    }

    /// For whom the entry with that number is meant, in the order of joining; at least the first `countMax` of them.
    func members(at number: Int64, countMax: Int) throws -> [(name: ChannelName, stamp: Int64)] {
        var members = try store.prepared(
            """
            SELECT name, stamp FROM membership WHERE queue = ? AND grp = ? AND joinedAfter < ?
            ORDER BY joinedAfter, stamp LIMIT ?
            """
        ).all(.int(queue), .int(group), .int(number), .int(countMax)) {
            (name: try ChannelName($0.text(0) ?? ""), stamp: $0.int(1))
        }
        let ended = endings.filter { $0.joinedAfter < number && number <= $0.endedAfter }
        guard !ended.isEmpty else { return members }
        members += ended.map { ($0.name, $0.stamp) }
        members.sort { $0.stamp < $1.stamp }
        return members
    }

    /// How many unread, unexpired copies there are, exclusions not taken out.
    func dueCount(memberCount: Int) throws -> Int {
        // Who joined before the queue settled last is counted as one; who joined since, by when.
        let joins = try store.prepared(
            """
            SELECT joinedAfter, COUNT(*) FROM membership WHERE queue = ? AND grp = ? AND joinedAfter > ?
            GROUP BY joinedAfter
            """
        ).all(.int(queue), .int(group), .int(position)) { (after: $0.int(0), count: Int($0.int(1))) }
        let others = memberCount - joins.reduce(0) { $0 + $1.count }
        var due = others == 0 ? 0 : others * (try entryCount(after: position, through: .max))
        for join in joins { due += join.count * (try entryCount(after: join.after, through: .max)) }
        for ending in endings {
            due += try entryCount(after: max(position, ending.joinedAfter), through: ending.endedAfter)
        }
        return due
    }

    private func entryCount(after low: Int64, through high: Int64) throws -> Int {
        try store.entryCount(of: group, after: low, through: min(high, store.layer.sequence))
    }
}

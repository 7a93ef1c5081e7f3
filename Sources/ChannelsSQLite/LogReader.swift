import Channels

/// Reads one group's log for one queue, past what it has looked at.
struct LogReader {
    struct Entry {
        let number: Int64
        let sentAt: Int64
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
                name: try $0.channelName(0), stamp: $0.int(1), joinedAfter: $0.int(2),
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
            SELECT number, sentAt, deadline, bytes FROM entry WHERE grp = ? AND number > ?
            ORDER BY number LIMIT ?
            """
        ).all(.int(group), .int(number), .int(Self.pageEntriesMax)) {
            Entry(number: $0.int(0), sentAt: $0.int(1), deadline: $0.int(2), bytes: $0.int(3))
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
            (name: try $0.channelName(0), stamp: $0.int(1))
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

import Channels

/// A group: a row. What is open has a name of its own; a removed one stays, without new entries, for those who have
/// unread ones.
struct Group {
    let id: Int64
    let name: GroupName
    var isClosed: Bool
    /// Members, those included that lapsed and have not been drained.
    var members: Int
    /// The number of the last entry that was ever appended.
    var lastNumber: Int64
    /// No entry that was ever appended expires after this.
    var lastDeadline: Int64
    /// No membership lapses before this.
    var nextLapse: Int64
    /// No entry expires before this.
    var nextExpiry: Int64

    init(_ row: PreparedStatement) throws {
        id = row.int(0)
        name = try row.groupName(1)
        isClosed = row.int(2) != 0
        members = Int(row.int(3))
        lastNumber = row.int(4)
        lastDeadline = row.int(5)
        nextLapse = row.int(6)
        nextExpiry = row.int(7)
    }
}

/// A channel in a group.
struct Membership {
    let group: Int64
    let name: ChannelName
    let queue: Int64
    /// Group sends with greater numbers are meant for it.
    let joinedAfter: Int64
    /// The order of joining.
    let stamp: Int64
    /// A member until then.
    var deadline: Int64

    init(group: Int64, name: ChannelName, queue: Int64, joinedAfter: Int64, stamp: Int64, deadline: Int64) {
        self.group = group
        self.name = name
        self.queue = queue
        self.joinedAfter = joinedAfter
        self.stamp = stamp
        self.deadline = deadline
    }

    init(_ row: PreparedStatement) throws {
        group = row.int(0)
        name = try row.channelName(1)
        queue = row.int(2)
        joinedAfter = row.int(3)
        stamp = row.int(4)
        deadline = row.int(5)
    }
}

extension Store {
    func findGroup(_ name: GroupName) throws -> Group? {
        try prepared(
            """
            SELECT id, name, isClosed, members, lastNumber, lastDeadline, nextLapse, nextExpiry FROM grp
            WHERE name = ? AND isClosed = 0
            """
        ).first(.text(name.rawValue)) { try Group($0) }
    }

    func group(_ id: Int64) throws -> Group? {
        try prepared(
            "SELECT id, name, isClosed, members, lastNumber, lastDeadline, nextLapse, nextExpiry FROM grp WHERE id = ?"
        ).first(.int(id)) { try Group($0) }
    }

    func makeGroup(_ name: GroupName) throws -> Group {
        if let group = try findGroup(name) { return group }
        try prepared(
            """
            INSERT INTO grp (name, isClosed, members, lastNumber, lastDeadline, nextLapse, nextExpiry)
            VALUES (?, 0, 0, 0, 0, ?2, ?2)
            """
        ).run(.text(name.rawValue), .int(Queue.never))
        return try findGroup(name)!
    }

    func save(_ group: Group) throws {
        try prepared(
            "UPDATE grp SET isClosed = ?, members = ?, lastNumber = ?, lastDeadline = ?, nextLapse = ? WHERE id = ?"
        ).run(
            .int(group.isClosed ? 1 : 0), .int(group.members), .int(group.lastNumber), .int(group.lastDeadline),
            .int(group.nextLapse), .int(group.id))
    }

    func membership(of name: ChannelName, in group: Group) throws -> Membership? {
        try prepared(
            "SELECT grp, name, queue, joinedAfter, stamp, deadline FROM membership WHERE grp = ? AND name = ?"
        ).first(.int(group.id), .text(name.rawValue)) { try Membership($0) }
    }
}

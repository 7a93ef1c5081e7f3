import Channels

/// What is one of its kind in a file: read at open, kept in memory, written with each transaction that changes it.
struct LayerRow: Equatable {
    var epoch: Int64 = 0
    /// The number of the last accepted message.
    var sequence: Int64 = 0
    var joinStamp: Int64 = 0
    /// The last lane that a queue was given.
    var lane: Int64 = 0
    /// The number of the last entry in any group's log.
    var lastGroupNumber: Int64 = 0
    /// The file's time when it was last written.
    var time: Int64 = 0
    /// The wall clock's then.
    var wall: Int64 = 0
    var pending = 0
    var queues = 0
    /// Groups with members.
    var groups = 0
    var groupSends = 0
    var groupCopies = 0
    var counts = MessageCounts()

    init() {}

    init(_ row: PreparedStatement) {
        epoch = row.int(0)
        sequence = row.int(1)
        joinStamp = row.int(2)
        lane = row.int(3)
        lastGroupNumber = row.int(4)
        time = row.int(5)
        wall = row.int(6)
        pending = Int(row.int(7))
        queues = Int(row.int(8))
        groups = Int(row.int(9))
        groupSends = Int(row.int(10))
        groupCopies = Int(row.int(11))
        counts = MessageCounts(row, at: 12)
    }

    static func load(_ store: Store) throws -> LayerRow {
        let row = try store.prepared(
            """
            SELECT epoch, sequence, joinStamp, lane, lastGroupNumber, time, wall, pending, queues, groups,
                groupSends, groupCopies, sent, delivered, expired, purged, rejected, dropped
            FROM layer
            """
        ).first { LayerRow($0) }
        guard let row else { throw DamagedFile(what: "the table 'layer' is empty") }
        return row
    }

    func save(_ store: Store) throws {
        try store.prepared(
            """
            UPDATE layer SET epoch = ?, sequence = ?, joinStamp = ?, lane = ?, lastGroupNumber = ?, time = ?,
                wall = ?, pending = ?, queues = ?, groups = ?, groupSends = ?, groupCopies = ?,
                sent = ?, delivered = ?, expired = ?, purged = ?, rejected = ?, dropped = ?
            """
        ).run(
            .int(epoch), .int(sequence), .int(joinStamp), .int(lane), .int(lastGroupNumber), .int(time), .int(wall),
            .int(pending), .int(queues), .int(groups), .int(groupSends), .int(groupCopies), .int(counts.sent),
            .int(counts.delivered),
            .int(counts.expired), .int(counts.purged), .int(counts.rejected), .int(counts.dropped))
    }
}

extension MessageCounts {
    /// From six columns in a row.
    init(_ row: PreparedStatement, at column: CInt) {
        self.init(
            sent: Int(row.int(column)), delivered: Int(row.int(column + 1)), expired: Int(row.int(column + 2)),
            purged: Int(row.int(column + 3)), rejected: Int(row.int(column + 4)), dropped: Int(row.int(column + 5)))
    }
}

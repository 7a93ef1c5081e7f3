import Channels
import GRDB

/// A layer in its file, and what can be done to it inside of a transaction. Only the writer's thread touches it.
///
/// How it works. An operation gets the instant as `now`; it refuses (``ChannelError``) before it writes. What concerns
/// many is done a slice at a time: a transaction has one ``Slice`` for all of its operations, and one that finds more
/// expired copies or lapsed members in its way than are left of it drains these and throws ``WorkRemains``; the writer
/// commits and repeats it. ARCHITECTURE.md has the tables and what they are for.
final class Store {
    let database: Database
    let settings: LayerSettings
    let room: WaitingRoom
    var layer = LayerRow()
    /// On the file's timeline.
    private(set) var now: Int64 = 0
    private var wall: Int64 = 0
    /// What the transaction may still free of what is in its way.
    var slice: Slice
    /// Bytes of content that the transaction has taken for receivers.
    var takenBytes = 0
    /// Purges of this process, so that they win over a later giveBack.
    let purges = Purges()

    var queues: QueueRows
    private var savedLayer = LayerRow()
    private var statements: [UnsafePointer<UInt8>: PreparedStatement] = [:]

    private let sliceMax: Slice
    /// Entries are counted by stretches of so many numbers, as a power of two.
    let spanBits: Int64

    init(
        _ database: Database, settings: LayerSettings, room: WaitingRoom, slice: Slice = Slice(), spanBits: Int64 = 8,
        queueRowsMax: Int = 1024
    ) throws {
        self.database = database
        self.settings = settings
        self.room = room
        self.slice = slice
        sliceMax = slice
        self.spanBits = spanBits
        queues = QueueRows(rowsMax: queueRowsMax)
        layer = try LayerRow.load(self)
        savedLayer = layer
    }

    /// The statement with that text, prepared once. A literal is known by where it stands in the program.
    func prepared(_ sql: StaticString) throws -> PreparedStatement {
        if let statement = statements[sql.utf8Start] { return statement }
        let statement = try PreparedStatement(sql, in: database)
        statements[sql.utf8Start] = statement
        return statement
    }

    /// Goes on to that instant; time never runs backwards.
    func move(to instant: FileInstant) {
        now = max(now, instant.time)
        wall = instant.wall
    }

    /// Notes how far the file's time has come, in a transaction of its own.
    func saveTime() {
        do {
            try begin()
            layer.time = max(layer.time, now)
            layer.wall = wall
            try finish()
            try commit()
        } catch {
            rollback()  // then it is the time of the last transaction
        }
    }

    /// Has the transaction write as much as that of a small message, and take it out again.
    func probe() throws {
        layer.time = max(layer.time + 1, now)
        try prepared("INSERT INTO message VALUES (0, 0, 0, NULL, 0, NULL, zeroblob(8192))").run()
        try prepared("DELETE FROM message WHERE number = 0").run()
    }

    /// Outside of a transaction: moves what is in the log into the file, so that the next one begins it anew and needs
    /// no room.
    func checkpoint() { _ = try? database.checkpoint(.passive) }

    /// Before the connection is closed.
    func letGoOfStatements() { statements = [:] }

    // MARK: Transactions

    func begin() throws {
        savedLayer = layer
        slice = sliceMax
        takenBytes = 0
        room.begin()
        purges.begin()
        try prepared("BEGIN IMMEDIATE").run()
    }

    /// Writes what belongs to all of the transaction.
    ///
    /// - Throws: `DatabaseError`; then `rollback` must follow.
    func finish() throws {
        try saveQueues()
        // A wall clock that was set is noted, though nothing else has changed: after a crash it is compared with.
        let shift = (wall - layer.wall) - (now - layer.time)
        guard layer != savedLayer || abs(shift) > Self.wallShiftMax else { return }
        layer.time = max(layer.time, now)
        layer.wall = wall
        try layer.save(self)
    }

    /// By how much the wall clock may go astray before it is noted: 100 ms.
    private static var wallShiftMax: Int64 { 100_000_000 }

    /// - Throws: `DatabaseError`; then `rollback` must follow.
    func commit() throws {
        try prepared("COMMIT").run()
        savedLayer = layer
        purges.commit()
    }

    /// Undoes the transaction, in memory too. SQLite may have done so on its own. Nothing where none has begun since the
    /// last was committed.
    func rollback() {
        layer = savedLayer
        queues.removeAll()
        purges.rollback()
        room.rollback()
        guard database.isInsideTransaction else { return }
        try? prepared("ROLLBACK").run()
    }

    /// Skips to numbers that were never given, whatever a power cut has taken; a new file gets its epoch.
    func startNumbers() {
        if layer.epoch == 0 { layer.epoch = max(1, now / 1_000_000) }
        layer.sequence = (layer.sequence >> 32 + 1) << 32
    }
}

/// A slice was done of what is in the way of an operation, and there is more: commit, and repeat it. Where it is thrown
/// nothing is half done: what has changed is saved, and may be done again without harm.
struct WorkRemains: Error {}

/// How much of what has expired, lapsed or been dropped is freed in one transaction.
struct Slice: Sendable {
    /// Rows.
    var rows = 500
    /// Bytes of content; one row more is freed where any are left.
    var bytes = 16 << 20

    var isUsedUp: Bool { rows <= 0 || bytes <= 0 }

    mutating func use(rows count: Int = 1, bytes size: Int = 0) {
        rows -= count
        bytes -= size
    }
}

import Channels
import GRDB

/// A layer in its file, and what can be done to it inside of a transaction. Only the writer's thread touches it.
///
/// How it works. An operation gets the instant as `now`; it refuses (``ChannelError``) before it writes. What concerns
/// many is done a slice at a time: an operation that finds more than a slice of expired copies or lapsed members in its
/// way drains one and throws ``WorkRemains``; the writer commits and repeats it. ARCHITECTURE.md has the tables and
/// what they are for.
final class Store {
    let database: Database
    let settings: LayerSettings
    let room: WaitingRoom
    var layer = LayerRow()
    /// On the file's timeline.
    var now: Int64 = 0
    /// Purges of this process, so that they win over a later giveBack.
    var purges = Purges()

    private var savedLayer = LayerRow()
    private var savedPurges = Purges()
    private var statements: [UnsafePointer<UInt8>: PreparedStatement] = [:]

    /// How many rows that are in its way an operation frees in one transaction.
    let sliceRowsMax: Int
    /// Entries are counted by stretches of so many numbers, as a power of two.
    let spanBits: Int64

    init(
        _ database: Database, settings: LayerSettings, room: WaitingRoom, sliceRowsMax: Int = 2000, spanBits: Int64 = 8
    ) throws {
        self.database = database
        self.settings = settings
        self.room = room
        self.sliceRowsMax = sliceRowsMax
        self.spanBits = spanBits
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

    /// Notes how far the file's time has come, in a transaction of its own.
    func saveTime() {
        do {
            try begin()
            layer.time = max(layer.time, now)
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
        savedPurges = purges
        room.begin()
        try prepared("BEGIN IMMEDIATE").run()
    }

    /// - Throws: `DatabaseError`; then `rollback` must follow.
    func commit() throws {
        if layer != savedLayer {
            layer.time = max(layer.time, now)
            try layer.save(self)
        }
        try prepared("COMMIT").run()
    }

    /// Undoes the transaction, in memory too. SQLite may have done so on its own.
    func rollback() {
        layer = savedLayer
        purges = savedPurges
        room.rollback()
        guard database.isInsideTransaction else { return }
        try? prepared("ROLLBACK").run()
    }

    /// What `look` would find after what it does; none of it is done.
    func peek<Value>(_ look: () throws -> Value) throws -> Value {
        let layer = layer
        try prepared("SAVEPOINT peek").run()
        defer { self.layer = layer }
        let value = try look()
        try prepared("ROLLBACK TO peek").run()
        try prepared("RELEASE peek").run()
        return value
    }

    /// Skips to numbers that were never given, whatever a power cut has taken; a new file gets its epoch.
    func startNumbers(wall: Int64) {
        if layer.epoch == 0 { layer.epoch = max(1, wall / 1_000_000) }
        layer.sequence = (layer.sequence >> 32 + 1) << 32
    }
}

/// A slice was done of what is in the way of an operation, and there is more: commit, and repeat it.
struct WorkRemains: Error {}

/// When what was purged, in this process. A stamp is the count of purges before.
struct Purges {
    private(set) var stamp: UInt64 = 0
    private var byName: [String: (stamp: UInt64, at: Int64)] = [:]
    private var all: UInt64 = 0

    /// Past this many, those of more than a minute ago are forgotten: what is given back later than that stays.
    private static let countMax = 1000

    mutating func add(_ name: ChannelName, now: Int64) {
        stamp += 1
        if byName.count >= Self.countMax { byName = byName.filter { $0.value.at + Store.countsKept > now } }
        byName[name.rawValue] = (stamp, now)
    }

    mutating func addAll() {
        stamp += 1
        byName = [:]
        all = stamp
    }

    /// Whether the channel was purged after that stamp.
    func concern(_ channel: ChannelName, after stamp: UInt64) -> Bool {
        guard self.stamp > stamp else { return false }
        return all > stamp || (byName[channel.rawValue]?.stamp ?? 0) > stamp
            || (byName[channel.queue.rawValue]?.stamp ?? 0) > stamp
    }
}

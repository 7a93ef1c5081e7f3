import Channels
import GRDB

/// What the file looks like, and how it is told from others.
enum Schema {
    /// "Larl", in the file's header: whose it is.
    static let applicationID: Int64 = 0x4C61_726C
    /// The format that this release writes; `user_version` in the header.
    static var version: Int64 { Int64(migrations.count) }

    /// - Throws: ``RegistryError`` for a file of another program or of a later release; `DatabaseError`.
    static func requireOurs(_ database: Database, path: String) throws {
        let owner = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        guard owner == applicationID else {
            throw RegistryError("'\(path)' is a database, but not one of Laurel's. Name another file.")
        }
        let found = try format(of: database)
        guard found >= 0 else { throw DamagedFile(what: "format \(found)") }
        guard found <= version else {
            throw RegistryError(
                "'\(path)' has format \(found), and this Laurel knows formats up to \(version): it was written by a "
                    + "later release. Start that one, or name another file.")
        }
    }

    /// Brings a file that is new, or of an earlier release, to this release's format.
    static func migrate(_ database: Database) throws {
        let found = try format(of: database)
        guard found < version else { return }
        try database.inTransaction(.immediate) {
            for migration in migrations[Int(found)...] { try database.execute(sql: migration) }
            try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
            return .commit
        }
    }

    private static func format(of database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }

    /// The n-th leads from format n to n + 1. One that was released is never changed.
    private static let migrations = [
        """
        CREATE TABLE layer (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, joinStamp INTEGER NOT NULL, lane INTEGER NOT NULL,
            lastGroupNumber INTEGER NOT NULL, time INTEGER NOT NULL, wall INTEGER NOT NULL, pending INTEGER NOT NULL,
            queues INTEGER NOT NULL, groups INTEGER NOT NULL, groupSends INTEGER NOT NULL, groupCopies INTEGER NOT NULL,
            sent INTEGER NOT NULL, delivered INTEGER NOT NULL, expired INTEGER NOT NULL, purged INTEGER NOT NULL,
            rejected INTEGER NOT NULL, dropped INTEGER NOT NULL
        );
        INSERT INTO layer VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

        -- Content last: whoever looks at the rest does not read it.
        CREATE TABLE message (
            number INTEGER PRIMARY KEY, sentAt INTEGER NOT NULL, deadline INTEGER NOT NULL, groupName TEXT,
            isJSON INTEGER NOT NULL, contentType TEXT, content BLOB NOT NULL
        );
        -- A direct message goes with its copy, that of a group when it has expired.
        CREATE INDEX groupMessageByDeadline ON message (deadline) WHERE groupName IS NOT NULL;

        CREATE TABLE queue (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, lane INTEGER NOT NULL, pending INTEGER NOT NULL,
            settledThrough INTEGER NOT NULL, firstDeadline INTEGER NOT NULL, lastDeadline INTEGER NOT NULL,
            sweepAt INTEGER NOT NULL, purgedLane INTEGER NOT NULL,
            lastChange INTEGER NOT NULL, sent INTEGER NOT NULL, delivered INTEGER NOT NULL, expired INTEGER NOT NULL,
            purged INTEGER NOT NULL, rejected INTEGER NOT NULL, dropped INTEGER NOT NULL
        );
        CREATE INDEX queueBySweep ON queue (sweepAt);

        -- `name` is that of a channel in a mailbox, null for the queue's own. `stamp` is 0 for direct messages, else
        -- that of the membership: it orders the copies of one group send.
        CREATE TABLE copy (
            lane INTEGER NOT NULL, number INTEGER NOT NULL, stamp INTEGER NOT NULL, name TEXT,
            deadline INTEGER NOT NULL, bytes INTEGER NOT NULL, isEarly INTEGER NOT NULL,
            PRIMARY KEY (lane, number, stamp)
        ) WITHOUT ROWID;
        -- The others of a lane expire in the order of their numbers: no index, and half the pages that a send writes.
        CREATE INDEX earlyCopy ON copy (lane, deadline) WHERE isEarly = 1;
        CREATE INDEX copyByName ON copy (lane, name, number, stamp) WHERE name IS NOT NULL;

        -- Lanes of purged copies.
        CREATE TABLE garbage (lane INTEGER PRIMARY KEY);

        CREATE TABLE grp (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, isClosed INTEGER NOT NULL, members INTEGER NOT NULL,
            lastNumber INTEGER NOT NULL, lastDeadline INTEGER NOT NULL, nextLapse INTEGER NOT NULL,
            nextExpiry INTEGER NOT NULL
        );
        CREATE INDEX groupByLapse ON grp (nextLapse);
        CREATE INDEX groupByExpiry ON grp (nextExpiry);
        CREATE UNIQUE INDEX openGroupByName ON grp (name) WHERE isClosed = 0;
        CREATE INDEX closedGroup ON grp (lastDeadline) WHERE isClosed = 1;
        CREATE INDEX emptyGroup ON grp (lastDeadline) WHERE isClosed = 0 AND members = 0;

        CREATE TABLE entry (
            grp INTEGER NOT NULL, number INTEGER NOT NULL, sentAt INTEGER NOT NULL, deadline INTEGER NOT NULL,
            bytes INTEGER NOT NULL, PRIMARY KEY (grp, number)
        ) WITHOUT ROWID;
        CREATE INDEX entryByDeadline ON entry (grp, deadline);

        -- How many entries there are in a stretch of numbers, so that many are counted fast.
        CREATE TABLE span (
            grp INTEGER NOT NULL, span INTEGER NOT NULL, entries INTEGER NOT NULL, PRIMARY KEY (grp, span)
        ) WITHOUT ROWID;

        CREATE TABLE membership (
            grp INTEGER NOT NULL, name TEXT NOT NULL, queue INTEGER NOT NULL, joinedAfter INTEGER NOT NULL,
            stamp INTEGER NOT NULL, deadline INTEGER NOT NULL, PRIMARY KEY (grp, name)
        ) WITHOUT ROWID;
        CREATE INDEX membershipInOrder ON membership (queue, grp, joinedAfter, stamp);
        CREATE INDEX membershipByDeadline ON membership (grp, deadline);
        CREATE INDEX membershipByName ON membership (name);

        CREATE TABLE subscription (
            queue INTEGER NOT NULL, grp INTEGER NOT NULL, members INTEGER NOT NULL, nextLapse INTEGER NOT NULL,
            PRIMARY KEY (queue, grp)
        ) WITHOUT ROWID;
        CREATE INDEX subscriptionByGroup ON subscription (grp);

        CREATE TABLE ending (
            queue INTEGER NOT NULL, grp INTEGER NOT NULL, stamp INTEGER NOT NULL, name TEXT NOT NULL,
            joinedAfter INTEGER NOT NULL, endedAfter INTEGER NOT NULL, deadline INTEGER NOT NULL,
            PRIMARY KEY (queue, grp, stamp)
        ) WITHOUT ROWID;
        CREATE INDEX endingByDeadline ON ending (deadline);

        CREATE TABLE exclusion (
            queue INTEGER NOT NULL, number INTEGER NOT NULL, stamp INTEGER NOT NULL, deadline INTEGER NOT NULL,
            PRIMARY KEY (queue, number, stamp)
        ) WITHOUT ROWID;
        CREATE INDEX exclusionByDeadline ON exclusion (deadline);
        """
    ]
}

import Foundation
import GRDB

/// A loop that commits each message on its own, with as few statements as do it: what one writes without Laurel.
final class SingleCommits: Sendable {
    enum Rows {
        /// The content, its place in a queue, and the queue's count: what a send has to write.
        case asASend
        /// The content alone.
        case bare
    }

    private let queue: DatabaseQueue
    private let folder: URL
    private let rows: Rows

    /// - Parameter synchronous: `normal` or `full`.
    init(_ rows: Rows, synchronous: String) throws {
        self.rows = rows
        folder = try Disk.makeFolder()
        queue = try DatabaseQueue(path: folder.appending(path: "single.db").path())
        try queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA locking_mode = EXCLUSIVE;
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = \(synchronous);
                    CREATE TABLE message (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
                    CREATE TABLE copy (queue INTEGER, number INTEGER, PRIMARY KEY (queue, number)) WITHOUT ROWID;
                    CREATE TABLE queue (id INTEGER PRIMARY KEY, pending INTEGER NOT NULL)
                    """)
        }
    }

    deinit {
        try? queue.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// On a thread of its own, as it blocks.
    func run(seconds: Int) async throws -> Sample {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.insert(for: .seconds(seconds)) }) }
        }
    }

    private func insert(for duration: Duration) throws -> Sample {
        let blob = Data(Request.message.utf8)
        return try queue.writeWithoutTransaction { database in
            let message = try database.makeStatement(sql: "INSERT INTO message (content) VALUES (?)")
            let copy = try database.makeStatement(sql: "INSERT INTO copy VALUES (1, ?)")
            let pending = try database.makeStatement(
                sql: "INSERT INTO queue VALUES (1, 1) ON CONFLICT DO UPDATE SET pending = pending + 1")
            let (start, before) = (ContinuousClock.now, ProcessorTime.ofThisThread)
            var count = 0
            while start.duration(to: .now) < duration {
                count += 1
                guard rows == .asASend else {
                    try message.execute(arguments: [blob])
                    continue
                }
                try database.inTransaction {
                    try message.execute(arguments: [blob])
                    try copy.execute(arguments: [database.lastInsertedRowID])
                    try pending.execute()
                    return .commit
                }
            }
            var sample = Sample(count)
            sample.operationsPerSecond = Double(count) / (start.duration(to: .now) / .seconds(1))
            sample.setProcessorTime(.ofThisThread, since: before)
            return sample
        }
    }
}

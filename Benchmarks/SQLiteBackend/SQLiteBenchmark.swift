import Channels
import ChannelsSQLite
import Foundation
import GRDB

/// Prints what the SQLite backend promises: durable sends that share commits, a group send that costs the same for one
/// member and for a million, and a backlog of a million that slows nobody. Files are made in the current folder, and
/// removed.
///
///     make bench-sqlite
@main
struct SQLiteBenchmark {
    private let clock = StillClock()
    private let content = Array(#"{"text":"hello, this is a message of fifty-four bytes"}"#.utf8)
    private let folder = URL(filePath: ".sqlite-benchmark")
    private let rounds = 5
    private let senders = 64

    static func main() async throws {
        let benchmark = SQLiteBenchmark()
        try? FileManager.default.removeItem(at: benchmark.folder)
        try FileManager.default.createDirectory(at: benchmark.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: benchmark.folder) }
        for synchronous in SQLiteBackend.Synchronous.allCases { try await benchmark.measureSends(synchronous) }
        try await benchmark.measureGroupSends()
        try await benchmark.measureBacklog()
    }

    /// Beside two loops that commit each message on its own: one writes the rows that a send writes, and one the content alone.
    private func measureSends(_ synchronous: SQLiteBackend.Synchronous) async throws {
        let isFull = synchronous == .full
        let count = isFull ? 4_000 : 40_000
        let backend = try makeBackend("sends-\(synchronous).db", synchronous)
        let same = try SingleCommits(path: folder.appending(path: "same-\(synchronous).db").path, isFull: isFull)
        let bare = try SingleCommits(path: folder.appending(path: "bare-\(synchronous).db").path, isFull: isFull)
        var rates: (shared: [Double], same: [Double], bare: [Double]) = ([], [], [])
        for _ in 0..<rounds {
            rates.same.append(Double(count) / (try same.insert(content, count: count, queuesCount: 256)))
            rates.bare.append(Double(count) / (try bare.insert(content, count: count, queuesCount: 0)))
            let seconds = try await measure(count) { number in
                _ = try await backend.send(
                    Message(content: content), to: ChannelName("c\(number % 256)"), options: SendOptions())
            }
            rates.shared.append(Double(count) / seconds)
        }
        await backend.shutdown()
        print("synchronous=\(synchronous): \(Int(Self.median(rates.shared))) sends/s of \(senders) senders")
        for (what, single) in [("of the same rows", rates.same), ("of a bare row", rates.bare)] {
            let ratio = Self.median(zip(rates.shared, single).map { $0 / $1 })
            print("    \(Int(Self.median(single))) single commits/s \(what): \(Self.rounded(ratio)) ×")
        }
    }

    private func measureGroupSends() async throws {
        let sizes = [1, 1_000_000]
        let group = try GroupName("g")
        var backends: [SQLiteBackend] = []
        for size in sizes {
            let backend = try makeBackend("group-\(size).db", .normal)
            let seconds = try await measure(size) { number in
                try await backend.groupAdd(ChannelName("user.\(number)"), to: group, options: GroupAddOptions())
            }
            if size > 1 { print("a member joins in \(Self.rounded(seconds / Double(size) * 1e6)) µs") }
            backends.append(backend)
        }
        var times: [[Double]] = sizes.map { _ in [] }
        for _ in 0..<rounds {
            for (index, backend) in backends.enumerated() {
                let seconds = try await measure(10_000) { _ in
                    _ = try await backend.sendGroup(Message(content: content), to: group, options: GroupSendOptions())
                }
                times[index].append(seconds / 10_000 * 1e6)
            }
        }
        let ratio = Self.median(zip(times[1], times[0]).map { $0 / $1 })
        print(
            "sendGroup to 1 member: \(Self.rounded(Self.median(times[0]))) µs, to 1,000,000: "
                + "\(Self.rounded(Self.median(times[1]))) µs, \(Self.rounded(ratio)) × (median of \(rounds) rounds)")
        for backend in backends { await backend.shutdown() }
    }

    private func measureBacklog() async throws {
        let sizes = [0, 1_000_000]
        var backends: [SQLiteBackend] = []
        for size in sizes {
            let backend = try makeBackend("backlog-\(size).db", .normal)
            _ = try await measure(size) { number in
                _ = try await backend.send(
                    Message(content: content), to: ChannelName("old.\(number % 100)"), options: SendOptions())
            }
            backends.append(backend)
        }
        var sends: [[Double]] = sizes.map { _ in [] }
        var receives: [[Double]] = sizes.map { _ in [] }
        let count = 20_000
        for _ in 0..<rounds {
            for (index, backend) in backends.enumerated() {
                let name = sizes[index] == 0 ? "new" : "old"
                sends[index].append(
                    try await measure(count) { number in
                        _ = try await backend.send(
                            Message(content: content), to: ChannelName("\(name).\(number % 100)"),
                            options: SendOptions())
                    } / Double(count) * 1e6)
                receives[index].append(
                    try await measure(count) { number in
                        let found = try await backend.receiveMany(
                            [ChannelName("\(name).\(number % 100)")], options: ReceiveOptions())
                        precondition(found.count == 1)
                    } / Double(count) * 1e6)
            }
        }
        for (what, times) in [("send", sends), ("receive", receives)] {
            let ratio = Self.median(zip(times[1], times[0]).map { $0 / $1 })
            print(
                "\(what) with no backlog: \(Self.rounded(Self.median(times[0]))) µs, with one of 1,000,000: "
                    + "\(Self.rounded(Self.median(times[1]))) µs, \(Self.rounded(ratio)) × "
                    + "(median of \(rounds) rounds)")
        }
        for backend in backends { await backend.shutdown() }
    }

    // MARK: -

    private func makeBackend(_ file: String, _ synchronous: SQLiteBackend.Synchronous) throws -> SQLiteBackend {
        var settings = LayerSettings()
        settings.capacity = 10_000_000
        settings.expiry = .seconds(100_000)
        return try SQLiteBackend(
            path: folder.appending(path: file).path, synchronous: synchronous, settings: settings, clock: clock)
    }

    /// Seconds for `count` operations, by as many tasks as there are senders.
    private func measure(
        _ count: Int, _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Double {
        let senders = senders
        let time = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<senders {
                    group.addTask {
                        for number in stride(from: sender, to: count, by: senders) { try await operation(number) }
                    }
                }
                try await group.waitForAll()
            }
        }
        return time / .seconds(1)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

/// A loop that commits each message on its own, with as few statements as do it.
private struct SingleCommits {
    private let queue: DatabaseQueue

    init(path: String, isFull: Bool) throws {
        queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = \(isFull ? "FULL" : "NORMAL");
                    CREATE TABLE message (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
                    CREATE TABLE copy (queue INTEGER, number INTEGER, PRIMARY KEY (queue, number)) WITHOUT ROWID;
                    CREATE TABLE queue (id INTEGER PRIMARY KEY, pending INTEGER NOT NULL)
                    """)
        }
    }

    /// Seconds for `count` of them: content, place in a queue, and the queue's count, or the content alone.
    func insert(_ content: [UInt8], count: Int, queuesCount: Int) throws -> Double {
        let blob = Data(content)
        return try queue.writeWithoutTransaction { database in
            let message = try database.makeStatement(sql: "INSERT INTO message (content) VALUES (?)")
            let copy = try database.makeStatement(sql: "INSERT INTO copy VALUES (?, ?)")
            let pending = try database.makeStatement(
                sql: "INSERT INTO queue VALUES (?, 1) ON CONFLICT DO UPDATE SET pending = pending + 1")
            let time = try ContinuousClock().measure {
                for number in 0..<count {
                    guard queuesCount > 0 else {
                        try message.execute(arguments: [blob])
                        continue
                    }
                    try database.inTransaction {
                        try message.execute(arguments: [blob])
                        try copy.execute(arguments: [number % queuesCount, database.lastInsertedRowID])
                        try pending.execute(arguments: [number % queuesCount])
                        return .commit
                    }
                }
            }
            return time / .seconds(1)
        }
    }
}

/// Time as it is. What is scheduled never runs, as nothing expires here.
private struct StillClock: ChannelClock {
    struct Never: ScheduledAction { func cancel() {} }
    var now: ContinuousClock.Instant { .now }
    func schedule(at: ContinuousClock.Instant, _: @escaping @Sendable () -> Void) -> any ScheduledAction { Never() }
}

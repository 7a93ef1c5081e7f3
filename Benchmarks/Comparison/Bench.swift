import ArgumentParser
import Foundation
import LoadGenerator
import Reactor
import Synchronization

/// Measures Laurel beside what a user would pick instead, in one run, and prints the table.
///
///     make bench
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "benchmark")

    @Option(help: "How often each server is measured, in turn.")
    var rounds = 5

    @Option(help: "How long one measurement takes, in seconds.")
    var seconds = 3

    @Option(help: "Only this row: send, receive, mixed, publish, …")
    var only: String?

    @Option(help: "Where the whole table is written to; one row is only printed.")
    var output = "Benchmarks/RESULTS.md"

    func run() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let bench = try Bench(seconds: seconds)
        var report = Report(rounds: rounds, versions: try await Self.versions())
        for (name, make) in bench.rows where only == nil || only == name {
            try await measure(make, of: bench, into: &report)
            bench.stopServers()
        }
        if only == nil { try report.text.write(toFile: output, atomically: true, encoding: .utf8) }
    }

    private func measure(_ make: () throws -> Row, of bench: Bench, into report: inout Report) async throws {
        let row = try make()
        var samples: [[Sample]] = row.cases.map { _ in [] }
        do {
            for _ in 0..<rounds {
                for (index, item) in row.cases.enumerated() { samples[index].append(try await item.run()) }
            }
        } catch {
            return report.add(row, failure: error)
        }
        let results = zip(row.cases, samples).map { CaseResult($0.name, $1, first: samples[0]) }
        report.add(row, results)
    }

    private static func versions() async throws -> String {
        let packages = ["nginx-light", "libnginx-mod-nchan", "webdis", "redis-server", "wrk"]
        let versions = try await Command.output(["dpkg-query", "-W", "-f", "${Package} ${Version}, "] + packages)
        return "\(ProcessInfo.processInfo.activeProcessorCount) cores. \(versions.trimmingCharacters(in: [" ", ","]))"
    }
}

/// The servers that are up, and the loop that loads them.
struct Bench: Sendable {
    let seconds: Int
    let loop: EventLoop
    private let servers = Servers()

    private final class Servers: Sendable {
        let list = Mutex<[ServerProcess]>([])
    }

    init(seconds: Int) throws {
        self.seconds = seconds
        loop = try EventLoop(name: "load")
        try loop.start()
    }

    var rows: [(name: String, make: () throws -> Row)] {
        [
            ("send", send), ("receive", receive), ("mixed", mixed), ("publish", publishToPoll),
            ("polls-1000", { try groupToPolls(1000) }), ("polls-10000", { try groupToPolls(10_000) }),
            ("group-send", groupSend), ("laggards", laggards), ("disturbances", disturbances),
            ("many-channels", manyChannels), ("many-names", manyNames), ("batches", batches), ("large", large),
            ("loops", loops),
            ("durable-normal", { try durableSends("normal", goal: 1.5) }),
            ("durable-full", { try durableSends("full", goal: 8) }),
            ("durable-group-send", durableGroupSend),
            ("durable-backlog-send", { try durableBacklog(measuringSends: true) }),
            ("durable-backlog-receive", { try durableBacklog(measuringSends: false) }),
            ("redis-send", redisSend), ("redis-receive", redisReceive), ("redis-group-send", redisGroupSend),
            ("redis-python", pairsBesidePython),
            ("redis-python-100", { try groupSendBesidePython(100) }),
            ("redis-python-1000", { try groupSendBesidePython(1000) }),
            ("redis-python-apart", { try deliveriesBesidePython(together: false) }),
            ("redis-python-together", { try deliveriesBesidePython(together: true) }),
        ]
    }

    // MARK: Servers

    func laurel(loops: Int = 1) throws -> ServerProcess { started(try Peers.laurel(loops: loops)) }

    /// Laurel on a file of its own.
    func laurelOnFile(_ parameters: String = "") throws -> ServerProcess {
        started(try Peers.laurelOnFile(parameters))
    }

    func nginx(workers: Int = 1) throws -> ServerProcess { started(try Peers.nginx(workers: workers)) }
    func nchan() throws -> ServerProcess { started(try Peers.nchan()) }

    func webdis() throws -> ServerProcess { started(try Peers.webdis()) }
    func redis() throws -> ServerProcess { started(try Peers.redis()) }

    /// Laurel on a Redis of its own.
    func laurelOnRedis() throws -> ServerProcess { started(try Peers.laurelOnRedis()) }

    private func started(_ server: ServerProcess) -> ServerProcess {
        servers.list.withLock { $0.append(server) }
        return server
    }

    /// Before the row is over.
    func stop(_ server: ServerProcess) {
        servers.list.withLock { $0.removeAll { $0 === server } }
        server.stop()
    }

    func stopServers() {
        let all = servers.list.withLock { list in
            defer { list = [] }
            return list
        }
        for server in all.reversed() { server.stop() }
    }

    // MARK: What rows need

    func once(_ server: ServerProcess, _ request: [UInt8]) async throws -> LoadConnection.Answer {
        try await Task(executorPreference: loop) { [loop] in
            try await LoadConnection(to: server.address, on: loop).exchange(request)
        }.value
    }

    func flush(_ server: ServerProcess) async throws {
        guard try await once(server, Request.make("POST", "/flush")).status == 204 else {
            throw Sample.Void(description: "a flush was refused")
        }
    }

    func join(_ count: Int, to group: String, on server: ServerProcess) async throws {
        try await run(count, on: server) { Request.make("PUT", "/groups/\(group)/c\($0)") }
    }

    func run(_ count: Int, on server: ServerProcess, _ request: @escaping @Sendable (Int) -> [UInt8]) async throws {
        _ = try Sample(try await makeLoad(count, to: server, request).run(on: loop))
    }

    /// So many requests, numbered from 0, by 64 connections.
    func makeLoad(_ count: Int, to server: ServerProcess, _ request: @escaping @Sendable (Int) -> [UInt8]) -> Load {
        Load(to: server.address) { connection, number in
            let index = number * 64 + connection
            return index < count ? request(index) : nil
        }
    }

    /// What `load` costs the server that it goes to.
    func measure(_ load: Load, of server: ServerProcess) async throws -> Sample {
        try await server.measure { try Sample(try await load.run(on: loop)) }
    }

    func waitForReceivers(_ count: Int, on server: ServerProcess) async throws {
        for _ in 0..<1000 {
            let stats = try await once(server, Request.make("GET", "/stats"))
            if String(decoding: stats.content, as: UTF8.self).contains("\"waiting\":\(count),") { return }
            try await pause(.milliseconds(20))
        }
        throw Sample.Void(description: "not all receivers wait")
    }

    func waitUntilIdle(_ server: ServerProcess) async throws {
        var before = server.processorTime
        for _ in 0..<100 {
            try await pause(.milliseconds(200))
            let now = server.processorTime
            if now.microseconds(since: before) < 1000 { return }
            before = now
        }
        throw Sample.Void(description: "the server does not come to rest")
    }

    func pause(_ duration: Duration) async throws {
        try await Task.sleep(for: duration, tolerance: .zero)
    }
}

/// Set once, by another task than the one that looks.
final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

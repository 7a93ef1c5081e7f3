import Channels
import Synchronization
import Testing

@testable import ChannelsRedis
@testable import ChannelsTesting

@Suite("A replica takes over", .serialized, .timeLimit(.minutes(5)))
struct FailoverTests {
    enum Fault: CaseIterable {
        case killed, frozen

        func begin(_ server: RedisServer) {
            switch self {
            case .killed: server.kill()
            case .frozen: server.pause()
            }
        }

        func end(_ server: RedisServer) async throws {
            switch self {
            case .killed: try await server.start()
            case .frozen: server.resume()
            }
        }
    }

    @Test(
        "When a node of a cluster fails the others go on; its shard answers within two seconds, and works again with its replica",
        arguments: Fault.allCases)
    func crash(_ fault: Fault) async throws {
        try await withLayer { cluster, layer, reports in
            let (x, y, elsewhere) = (name("x", in: 0), name("y", in: 0), name("x", in: 1))
            let master = cluster.owner(of: layer.core.shards[0].keys.slot)
            try await layer.sendWhenThere("before", to: x)
            // What its replica has is not lost.
            #expect(try await master.command("WAIT", "1", "30000") == .integer(1))
            async let parked = layer.wait(on: y)
            try await layer.untilWaiting(1)

            fault.begin(master)
            var refusals = 0
            var receipt: SendReceipt?
            while receipt == nil {
                let start = ContinuousClock.now
                do {
                    receipt = try await layer.send("after", to: y)
                } catch let error as ChannelError {
                    #expect([.backendUnavailable, .outcomeUnknown].contains(error.code))
                    #expect(start.duration(to: .now) < .seconds(10))
                    refusals += 1
                }
                try await layer.send("unharmed", to: elsewhere)
                _ = try await layer.receive(elsewhere)
            }
            #expect(refusals > 0)
            #expect(try await parked == ["after"])
            #expect(try await layer.receive(x).map(\.text) == ["before"])
            #expect(try await layer.receive(x).isEmpty)
            #expect(
                reports.withLock { $0.contains { $0.text.hasPrefix("redis 127.0.0.1:\(master.port) (shard 0): ") } })

            // Who comes back is the other's replica now.
            try await fault.end(master)
            try await master.until("ROLE") { _ in true }
            try await layer.send("again", to: x)
            #expect(try await layer.receive(x).map(\.text) == ["again"])
        }
    }

    @Test("A planned failover loses nothing, and refuses nothing")
    func planned() async throws {
        try await withLayer(callTimeMax: .seconds(20)) { cluster, layer, _ in
            let x = name("x", in: 0)
            let slot = layer.core.shards[0].keys.slot
            let master = cluster.owner(of: slot)
            let replica = try #require(cluster.replica)
            try await layer.sendWhenThere("first", to: x)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let isOver = Mutex(false)
                group.addTask {
                    var sent = 0
                    while !isOver.withLock({ $0 }) || sent < 100 {
                        try await layer.send("\(sent)", to: x)
                        sent += 1
                        if sent % 50 == 0 { await Task.yield() }
                    }
                    try await layer.send("last", to: x)
                }
                group.addTask {
                    var texts: [String] = []
                    while texts.last != "last" { texts += try await layer.wait(on: x) }
                    #expect(texts == ["first"] + (0..<texts.count - 2).map { "\($0)" } + ["last"])
                }
                for target in [replica, master] {
                    try await cluster.failOver(slot, to: target)
                }
                isOver.withLock { $0 = true }
                try await group.waitForAll()
            }
        }
    }

    @Test("Who has worked for the shard before does not give numbers that another may have given since")
    func runs() async throws {
        try await withLayer { cluster, layer, _ in
            let x = name("x", in: 0)
            let slot = layer.core.shards[0].keys.slot
            let master = cluster.owner(of: slot)
            let replica = try #require(cluster.replica)
            var runs = [try await layer.sendWhenThere("1", to: x).id.number >> 32]
            for target in [replica, master] {
                try await cluster.failOver(slot, to: target)
                runs.append(try await layer.sendWhenThere("2", to: x).id.number >> 32)
            }
            #expect(runs == runs.sorted() && Set(runs).count == 3, "\(runs)")
        }
    }

    // MARK: Private

    /// A layer with a shard on each of three masters; the first shard's has a replica.
    private func withLayer(
        callTimeMax: Duration = RedisCore.callTimeMax,
        _ body: (RedisCluster, RedisBackend, borrowing Mutex<[BackendReport]>) async throws -> Void
    ) async throws {
        let slot = ShardKeys.inCluster(prefix: "laurel", count: 3)[0].slot
        try await RedisCluster.run(withReplicaOf: slot) { cluster in
            let reports = Reports()
            var settings = LayerSettings()
            // So that no sender is refused.
            settings.capacity = 1_000_000
            let layer = try RedisBackend.make(
                BackendContext(
                    layer: "test", url: try BackendURL(cluster.url), parameters: ["shards": "3"],
                    settings: settings, clock: RealClock(), report: { reports.append($0) }),
                library: .current, callTimeMax: callTimeMax)
            try await body(cluster, layer, reports.all)
            await layer.shutdown()
        }
    }
}

/// What an operator was told.
private final class Reports: Sendable {
    let all = Mutex<[BackendReport]>([])

    func append(_ report: BackendReport) { all.withLock { $0.append(report) } }
}

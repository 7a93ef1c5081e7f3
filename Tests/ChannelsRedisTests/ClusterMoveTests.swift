import Channels
import Testing

@testable import ChannelsRedis
@testable import ChannelsTesting

@Suite("Slots of a cluster move", .serialized, .timeLimit(.minutes(5)))
struct ClusterMoveTests {
    @Test("At each step of a slot's way to another node what can be done is done, and what cannot be is refused")
    func steps() async throws {
        try await withLayer(callTimeMax: .milliseconds(500)) { cluster, layer in
            let keys = layer.core.shards[0].keys
            let (x, y) = (name("x", in: 0), name("y", in: 0))
            let source = cluster.owner(of: keys.slot)
            let target = cluster.other(than: source)
            try await layer.sendWhenThere("1", to: x)
            async let parked = layer.wait(on: y)
            try await layer.untilWaiting(1)

            try await cluster.beginMove(of: keys.slot, from: source, to: target)
            try await layer.send("2", to: x)
            // Between its parts the layer's keys would be there already.
            await expectRefused { try await layer.flush() }
            try await layer.send("3", to: x)

            try await cluster.moveKeys(Array(keys.all.prefix(2)), from: source, to: target)
            await expectRefused { try await layer.send("never", to: x) }

            try await cluster.moveKeys(Array(keys.all.dropFirst(2)), from: source, to: target)
            try await layer.send("4", to: x)
            #expect(try await layer.receive(x).map(\.text) == ["1"])
            let asked = try await target.command("INFO", "commandstats").text ?? ""
            #expect(asked.contains("cmdstat_asking:"), "it went by a detour")

            try await cluster.endMove(of: keys.slot, from: source, to: target)
            for text in ["2", "3", "4"] { #expect(try await layer.receive(x).map(\.text) == [text]) }
            #expect(try await layer.receive(x).isEmpty)
            try await layer.send("5", to: y)
            #expect(try await parked == ["5"])
        }
    }

    @Test("While slots go to and fro under load each message arrives once, in order, and nobody is refused")
    func underLoad() async throws {
        try await withLayer(callTimeMax: .seconds(20)) { cluster, layer in
            let count = 600
            let channels = (0..<6).map { name("load\($0)-", in: $0 % 3) }
            for channel in channels { try await layer.sendWhenThere("first", to: channel) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for channel in channels {
                    group.addTask {
                        for number in 0..<count {
                            while true {
                                do {
                                    try await layer.send("\(number)", to: channel)
                                    break
                                } catch let error as ChannelError where error.code == .channelFull {
                                    await Task.yield()
                                }
                            }
                        }
                    }
                    group.addTask {
                        var expected = ["first"] + (0..<count).map { "\($0)" }
                        while !expected.isEmpty {
                            let texts = try await layer.wait(on: channel)
                            #expect(texts == [expected.removeFirst()])
                            if texts.isEmpty { break }
                        }
                    }
                }
                group.addTask {
                    for shard in [0, 1, 0, 2, 1] {
                        let keys = layer.core.shards[shard].keys
                        let owner = try await cluster.currentOwner(of: keys.slot)
                        let target = cluster.other(than: owner)
                        try await cluster.beginMove(of: keys.slot, from: owner, to: target)
                        try await cluster.moveKeys(Array(keys.all.prefix(3)), from: owner, to: target)
                        try await cluster.moveKeys(Array(keys.all.dropFirst(3)), from: owner, to: target)
                        try await cluster.endMove(of: keys.slot, from: owner, to: target)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A layer that was made with another number of shards is refused, whatever the channel")
    func layout() async throws {
        try await withLayer { cluster, layer in
            try await layer.sendWhenThere("1", to: name("x", in: 0))
            let other = try RedisBackend.make(
                BackendContext(
                    layer: "test", url: try BackendURL(cluster.url), parameters: ["shards": "5"],
                    settings: LayerSettings(), clock: RealClock()), library: .current, callTimeMax: .milliseconds(300))
            for index in 0..<4 { await expectRefused { try await other.send("never", to: "x\(index)") } }
            let error = await #expect(throws: ChannelError.self) {
                try await other.send("never", to: name("x", in: 0, of: 5))
            }
            #expect(error?.message.contains("3 shards") == true)
            await other.shutdown()
        }
    }

    // MARK: Private

    /// A layer with a shard on each of three masters.
    private func withLayer(
        callTimeMax: Duration = RedisCore.callTimeMax, _ body: (RedisCluster, RedisBackend) async throws -> Void
    ) async throws {
        try await RedisCluster.run { cluster in
            let layer = try RedisBackend.make(
                BackendContext(
                    layer: "test", url: try BackendURL(cluster.url), parameters: ["shards": "3"],
                    settings: LayerSettings(), clock: RealClock()), library: .current, callTimeMax: callTimeMax)
            try await body(cluster, layer)
            await layer.shutdown()
        }
    }

    private func expectRefused(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Any
    ) async {
        let error = await #expect(throws: ChannelError.self, sourceLocation: sourceLocation) { _ = try await body() }
        #expect(error?.code == .backendUnavailable, sourceLocation: sourceLocation)
    }
}

/// A channel's name that is in a shard.
func name(_ prefix: String, in shard: Int, of count: Int = 3) -> String {
    (0...).lazy.map { "\(prefix)\($0)" }.first { name in
        ShardKeys.shard(of: try! ChannelName(name), count: count) == shard
    }!
}

extension RedisBackend {
    /// Waits for one message, for a minute at most, and gives its text.
    func wait(on channel: String) async throws -> [String] {
        try await receiveManyBlocking(
            [ChannelName(channel)], options: ReceiveOptions(), until: .now.advanced(by: .seconds(60))
        ).map(\.text)
    }

    /// Until so many receivers wait here.
    func untilWaiting(_ count: Int) async throws {
        while try await stats().waiting != count { try Task.checkCancellation() }
    }
}

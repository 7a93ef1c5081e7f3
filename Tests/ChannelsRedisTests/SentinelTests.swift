import Channels
import Foundation
import Testing

@testable import ChannelsRedis
@testable import ChannelsTesting

@Suite("A layer behind Redis Sentinels", .serialized, .timeLimit(.minutes(5)))
struct SentinelTests {
    @Test("When the master is killed its shard works again with the replica, and who waits is served")
    func crash() async throws {
        try await withSentinel { sentinel, master, replica in
            let layer = try Self.layer(at: sentinel)
            try await layer.sendWhenThere("before", to: "x")
            #expect(try await master.command("WAIT", "1", "30000") == .integer(1))
            async let parked = layer.wait(on: "y")
            try await layer.untilWaiting(1)
            master.kill()
            try await layer.sendWhenThere("after", to: "y")
            #expect(try await parked == ["after"])
            #expect(try await layer.receive("x").map(\.text) == ["before"])
            #expect(try await replica.command("ROLE").elements?.first?.text == "master")
            await layer.shutdown()
        }
    }

    @Test("A failover that an operator asked for is followed, and nothing is lost that the replica had")
    func planned() async throws {
        try await withSentinel { sentinel, master, replica in
            let layer = try Self.layer(at: sentinel)
            for number in 0..<50 { try await layer.sendWhenThere("\(number)", to: "x") }
            #expect(try await master.command("WAIT", "1", "30000") == .integer(1))
            // Not before the Sentinel has heard from the replica how it is.
            try await sentinel.until("SENTINEL", "FAILOVER", "main") { $0 == "OK" }
            while try await replica.command("ROLE").elements?.first?.text != "master" {
                // A process of its own decides: each look at it is a connection, which would keep it from doing so.
                try await Task.sleep(for: .milliseconds(20))
            }
            try await layer.sendWhenThere("50", to: "x")
            var texts: [String] = []
            while texts.count < 51 { texts += try await layer.wait(on: "x") }
            #expect(texts == (0...50).map { "\($0)" })
            await layer.shutdown()
        }
    }

    @Test("Who is told of a replica does not write there, and says so")
    func replica() async throws {
        try await RedisServer.run { master in
            try await RedisServer.run(["--replicaof", "127.0.0.1", "\(master.port)"]) { replica in
                try await LinkUnderTest.with({ _ in LocatorToMaster(replica.endpoint) }) { test in
                    let reason = try await test.lost()
                    #expect(reason == "redis \(replica.endpoint): it is a replica, and not the master")
                }
            }
        }
    }

    @Test("A master that no Sentinel knows, and Sentinels that are not there, are told of")
    func unknown() async throws {
        try await withSentinel { sentinel, _, _ in
            let credentials = RedisCredentials()
            let nobody = RedisEndpoint(.host("127.0.0.1", port: 1))
            for (sentinels, reason) in [
                ([nobody, sentinel.endpoint], "redis \(sentinel.endpoint): this Sentinel knows no master 'other'"),
                ([nobody], "redis \(nobody): Connection refused"),
            ] {
                try await LinkUnderTest.with(
                    { SentinelLocator(of: "other", sentinels: sentinels, credentials: credentials, on: $0) }
                ) { test in
                    let told = try await test.lost()
                    #expect(told == "redis master 'other': \(reason)")
                }
            }
        }
    }

    // MARK: Private

    private static func layer(at sentinel: RedisServer) throws -> RedisBackend {
        try RedisBackend.make(
            BackendContext(
                layer: "test", url: try BackendURL("redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel.port)/main"),
                parameters: [:], settings: LayerSettings(), clock: RealClock()), library: .current,
            callTimeMax: .milliseconds(500))
    }

    /// A master, its replica, and a Sentinel over both that knows of the replica.
    private func withSentinel(_ body: (RedisServer, RedisServer, RedisServer) async throws -> Void) async throws {
        let fast = ["--repl-diskless-sync-delay", "0"]
        try await RedisServer.run(fast) { master in
            try await RedisServer.run(fast + ["--replicaof", "127.0.0.1", "\(master.port)"]) { replica in
                try await replica.until("INFO", "replication") { $0.contains("master_link_status:up") }
                let configuration = """
                    sentinel monitor main 127.0.0.1 \(master.port) 1
                    sentinel down-after-milliseconds main 500
                    sentinel failover-timeout main 5000
                    """
                try await RedisServer.runSentinel(configuration) { sentinel in
                    try await sentinel.until("INFO", "sentinel") { $0.contains("slaves=1") }
                    try await body(sentinel, master, replica)
                }
            }
        }
    }
}

/// Always the same, of which it is to be made sure.
private final class LocatorToMaster: RedisLocator {
    private let endpoint: RedisEndpoint

    init(_ endpoint: RedisEndpoint) {
        self.endpoint = endpoint
    }

    func name(at _: RedisEndpoint?) -> String { "\(endpoint)" }
    var mayMove: Bool { true }
    var followsRedirections: Bool { false }
    var requiresMaster: Bool { true }
    func locate(completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void) {
        completion(.success(endpoint))
    }
    func close() {}
}

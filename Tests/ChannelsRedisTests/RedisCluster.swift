import Foundation
import Testing

@testable import ChannelsRedis

/// A Redis Cluster of real servers that a test starts on loopback: masters with as many slots each, and a replica of one.
struct RedisCluster {
    let masters: [RedisServer]
    let replica: RedisServer?

    private static let mastersCount = 3

    /// Starts it, runs `body` when all nodes know of all, and ends it whatever happened.
    ///
    /// - Parameter slot: its master has a replica.
    static func run<Result>(
        withReplicaOf slot: HashSlot? = nil, _ body: (RedisCluster) async throws -> Result
    ) async throws -> Result {
        try await withNodes(slot == nil ? mastersCount : mastersCount + 1) { nodes in
            let cluster = RedisCluster(
                masters: Array(nodes.prefix(mastersCount)), replica: slot == nil ? nil : nodes.last)
            try await cluster.assemble(withReplicaOf: slot)
            return try await body(cluster)
        }
    }

    private static func withNodes<Result>(
        _ count: Int, _ started: [RedisServer] = [], _ body: ([RedisServer]) async throws -> Result
    ) async throws -> Result {
        guard started.count < count else { return try await body(started) }
        return try await RedisServer.run(clusterNodeTimeout: .seconds(1)) { node in
            try await withNodes(count, started + [node], body)
        }
    }

    private var nodes: [RedisServer] { masters + (replica.map { [$0] } ?? []) }

    /// What `--backend` is given.
    var url: String { "redis+cluster://127.0.0.1:\(masters[0].port)" }

    // MARK: Making

    private func assemble(withReplicaOf slot: HashSlot?) async throws {
        for (index, master) in masters.enumerated() {
            let first = index * HashSlot.count / masters.count
            let last = (index + 1) * HashSlot.count / masters.count - 1
            try await master.command("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
        }
        for node in nodes.dropFirst() {
            let busPort = try #require(node.busPort)
            try await nodes[0].command("CLUSTER", "MEET", "127.0.0.1", "\(node.port)", "\(busPort)")
        }
        for node in nodes {
            try await node.until("CLUSTER", "INFO") { $0.contains("cluster_known_nodes:\(nodes.count)") }
        }
        if let slot, let replica {
            let id = try await owner(of: slot).clusterID()
            try await replica.until("CLUSTER", "NODES") { $0.contains(id) }
            try await replica.command("CLUSTER", "REPLICATE", id)
            try await replica.until("INFO", "replication") { $0.contains("master_link_status:up") }
        }
        for node in nodes {
            try await node.until("CLUSTER", "INFO") { $0.contains("cluster_state:ok") }
            let count = nodes.count
            try await node.until("CLUSTER", "NODES") { nodes in
                nodes.components(separatedBy: " connected").count - 1 == count && !nodes.contains("handshake")
            }
        }
    }

    // MARK: Slots

    /// The master that has a slot at first.
    func owner(of slot: HashSlot) -> RedisServer { masters[slot.number * masters.count / HashSlot.count] }

    /// The master that has a slot now.
    func currentOwner(of slot: HashSlot) async throws -> RedisServer {
        let reply = try await masters[0].command("CLUSTER", "SLOTS")
        let owner = SlotOwners(reply, from: masters[0].endpoint)?.owner(of: slot)
        return try #require(nodes.first { $0.endpoint == owner })
    }

    /// Another master.
    func other(than node: RedisServer) -> RedisServer { masters.first { $0 !== node }! }

    /// Begins to move a slot: as an operator does, with a word to both.
    func beginMove(of slot: HashSlot, from source: RedisServer, to target: RedisServer) async throws {
        try await target.command("CLUSTER", "SETSLOT", "\(slot.number)", "IMPORTING", source.clusterID())
        try await source.command("CLUSTER", "SETSLOT", "\(slot.number)", "MIGRATING", target.clusterID())
    }

    /// Moves keys, which are then at the other node only.
    func moveKeys(_ keys: [String], from source: RedisServer, to target: RedisServer) async throws {
        try await source.command(
            ["MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "60000", "KEYS"] + keys)
    }

    /// Has a replica take over its master's slots, when it has what that has.
    func failOver(_ slot: HashSlot, to replica: RedisServer) async throws {
        var askedAt: ContinuousClock.Instant?
        while try await currentOwner(of: slot) !== replica {
            // Redis gives up after five seconds, e.g. where the others have no votes left.
            if askedAt.map({ $0 + .seconds(6) < .now }) ?? true {
                try await replica.until("INFO", "replication") { $0.contains("master_link_status:up") }
                try await replica.command("CLUSTER", "FAILOVER")
                askedAt = .now
            }
            // A process of its own decides: each look at it is a connection, which would keep it from doing so.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func endMove(of slot: HashSlot, from source: RedisServer, to target: RedisServer) async throws {
        let id = try await target.clusterID()
        try await target.command("CLUSTER", "SETSLOT", "\(slot.number)", "NODE", id)
        try await source.command("CLUSTER", "SETSLOT", "\(slot.number)", "NODE", id)
    }
}

extension RedisServer {
    /// Runs a command on a connection of its own; an error is a failure of the test.
    @discardableResult
    func command(_ words: String...) async throws -> RedisReply { try await command(words) }

    @discardableResult
    func command(_ words: [String]) async throws -> RedisReply {
        try await LinkUnderTest.with(endpoint) { test in
            let reply = try await test.begin(RedisCommand(words: words), within: .seconds(50)).reply()
            if case .error(let text) = reply { throw Failure(description: "\(words[0]): \(text)") }
            return reply
        }
    }

    /// Runs it until the answer is as it should be.
    func until(_ words: String..., isSo: @escaping @Sendable (String) -> Bool) async throws {
        try await LinkUnderTest.with(endpoint) { test in
            try await test.until { isSo(try await test.begin(RedisCommand(words: words)).reply().text ?? "") }
        }
    }

    func clusterID() async throws -> String { try #require(try await command("CLUSTER", "MYID").text) }
}

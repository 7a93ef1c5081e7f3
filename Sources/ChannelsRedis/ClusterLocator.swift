import Reactor

/// Where the node of a Redis Cluster is that has a slot. Loop only.
final class ClusterLocator: RedisLocator {
    private let map: ClusterMap
    private let slot: HashSlot
    private let shard: Int

    init(of slot: HashSlot, shard: Int, in map: ClusterMap) {
        self.slot = slot
        self.shard = shard
        self.map = map
    }

    func name(at endpoint: RedisEndpoint?) -> String {
        endpoint.map { "\($0) (shard \(shard))" } ?? "cluster (shard \(shard))"
    }

    var mayMove: Bool { true }
    var followsRedirections: Bool { true }
    /// A replica says MOVED.
    var requiresMaster: Bool { false }

    func locate(completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void) {
        map.find(slot, completion: completion)
    }

    func close() { map.close() }
}

/// Which node of a cluster has which slots: asked of any of its nodes when somebody wants to know, and kept by nobody, as who has
/// a connection hears of changes from its own node. Loop only.
final class ClusterMap {
    /// Nodes that are remembered, to be asked.
    private static let nodesMax = 1000
    /// So many are asked at least before an inquiry ends in vain.
    private static let askedInVain = 5

    private let credentials: RedisCredentials
    private let loop: EventLoop
    private let seeds: [RedisEndpoint]
    /// Who answered last comes first.
    private var nodes: [RedisEndpoint]
    private var waiting: [(slot: HashSlot, completion: (Result<RedisEndpoint, LocatingFailure>) -> Void)] = []
    private var inquiry: Inquiry<SlotOwners>?

    init(seeds: [RedisEndpoint], credentials: RedisCredentials, on loop: EventLoop) {
        self.seeds = seeds
        self.credentials = credentials
        self.loop = loop
        nodes = seeds
    }

    /// One question for all who want to know at the same time.
    func find(_ slot: HashSlot, completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void) {
        waiting.append((slot, completion))
        guard inquiry == nil else { return }
        var question = RedisCommand("CLUSTER")
        question.append("SLOTS")
        inquiry = Inquiry(
            question, of: nodes, credentials: credentials, on: loop,
            accept: { reply, node in
                SlotOwners(reply, from: node).map { .success($0) }
                    ?? .failure(LocatingFailure(text: Self.reason(reply)))
            }
        ) { [self] result in
            inquiry = nil
            let waiting = self.waiting
            self.waiting = []
            switch result {
            case .success(let owners): remember(owners)
            // Others come first next time: there may be more of those that are gone than there is time to ask.
            case .failure: nodes = Array(nodes.dropFirst(Self.askedInVain) + nodes.prefix(Self.askedInVain))
            }
            for (slot, completion) in waiting {
                completion(
                    result.flatMap { owners in
                        owners.owner(of: slot).map { .success($0) }
                            ?? .failure(LocatingFailure(text: "no node of the cluster has slot \(slot.number)"))
                    })
            }
        }
    }

    func close() {
        inquiry.take()?.cancel()
        waiting = []
    }

    private static func reason(_ reply: RedisReply) -> String {
        if case .error(let text) = reply { return text }
        return "this node knows no others"
    }

    private func remember(_ owners: SlotOwners) {
        nodes = [owners.teller]
        // A seed may be a name that leads elsewhere some day: it stays.
        for node in owners.nodes.prefix(Self.nodesMax) + seeds where !nodes.contains(node) { nodes.append(node) }
    }
}

/// The answer to `CLUSTER SLOTS`: ranges of slots, each with its master and that one's replicas.
struct SlotOwners {
    private var ranges: [(slots: ClosedRange<Int>, master: RedisEndpoint)] = []
    /// All that were told of, each once.
    private(set) var nodes: [RedisEndpoint] = []
    /// Who told.
    let teller: RedisEndpoint

    /// Nil where that is no such answer, or an empty one: of a node that is not in a cluster yet.
    init?(_ reply: RedisReply, from teller: RedisEndpoint) {
        self.teller = teller
        var known: Set<RedisEndpoint> = []
        for range in reply.elements ?? [] {
            guard let parts = range.elements, parts.count >= 3, let first = parts[0].int, let last = parts[1].int,
                0 <= first, first <= last, last < Int64(HashSlot.count)
            else { return nil }
            for (index, node) in parts.dropFirst(2).enumerated() {
                guard let facts = node.elements, facts.count >= 2,
                    let port = facts[1].int.flatMap({ UInt16(exactly: $0) })
                else { return nil }
                // No host: that of who was asked.
                let endpoint = teller.sibling(host: facts[0].text ?? "", port: port)
                if index == 0 { ranges.append((Int(first)...Int(last), endpoint)) }
                if known.insert(endpoint).inserted { nodes.append(endpoint) }
            }
        }
        if ranges.isEmpty { return nil }
    }

    func owner(of slot: HashSlot) -> RedisEndpoint? {
        ranges.first { $0.slots.contains(slot.number) }?.master
    }
}

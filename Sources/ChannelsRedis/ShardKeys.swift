import Channels

/// The keys of one shard, and which shard a queue is in.
///
/// All of a shard's keys have one hash tag: a Redis Cluster keeps them in one slot. It is `{prefix:number}`; in a cluster, where
/// that decides who has the shard, `{prefix:number.N}` where need be, with the first `N` that spreads the shards evenly.
struct ShardKeys: Sendable {
    let number: Int
    let count: Int
    private let tag: String
    private let prefix: String

    init(prefix: String, number: Int, count: Int) {
        self.init(tag: "\(prefix):\(number)", number: number, count: count)
    }

    private init(tag: String, number: Int, count: Int) {
        self.number = number
        self.count = count
        self.tag = tag
        prefix = "{\(tag)}:"
    }

    /// Those of a layer in a cluster: its slots are divided into as many ranges as there are shards, and each range has one shard.
    /// The first shard's keys do not depend on how many there are: in them it is found out should that have changed.
    static func inCluster(prefix: String, count: Int) -> [ShardKeys] {
        func range(_ tag: String) -> Int { HashSlot(ofTag: tag).number * count / HashSlot.count }
        let first = "\(prefix):0"
        return (0..<count).map { number in
            let wanted = (range(first) + number) % count
            var tag = "\(prefix):\(number)"
            var attempt = 0
            while range(tag) != wanted {
                attempt += 1
                tag = "\(prefix):\(number).\(attempt)"
            }
            return ShardKeys(tag: tag, number: number, count: count)
        }
    }

    var all: [String] { ["rows", "messages", "copies", "log", "members", "due"].map { prefix + $0 } }

    /// Where a test's clock stands, for a library that reads it there.
    var time: String { prefix + "time" }

    var slot: HashSlot { HashSlot(ofTag: tag) }

    /// The channel of pub/sub on which a server is rung.
    func bell(of server: String) -> String { prefix + "bell:" + server }

    /// The shard of a queue, and so of its channels with their memberships. The one place where that is decided.
    static func shard(of queue: ChannelName, count: Int) -> Int {
        guard count > 1 else { return 0 }
        var hash = StableHash()
        hash.combine(queue.rawValue.utf8)
        // The lower bits of FNV are the weaker ones.
        return Int((hash.value ^ hash.value >> 32) % UInt64(count))
    }
}

import Channels

/// The keys of one shard, and which shard a queue is in.
///
/// All of a shard's keys have one hash tag, `{prefix:number}`: a Redis Cluster keeps them in one slot.
struct ShardKeys: Sendable {
    let number: Int
    let count: Int
    private let tag: String

    init(prefix: String, number: Int, count: Int) {
        self.number = number
        self.count = count
        tag = "{\(prefix):\(number)}:"
    }

    var all: [String] { ["rows", "messages", "copies", "log", "members", "due"].map { tag + $0 } }

    /// The channel of pub/sub on which a server is rung.
    func bell(of server: String) -> String { tag + "bell:" + server }

    /// The shard of a queue, and so of its channels with their memberships. The one place where that is decided.
    static func shard(of queue: ChannelName, count: Int) -> Int {
        guard count > 1 else { return 0 }
        var hash = StableHash()
        hash.combine(queue.rawValue.utf8)
        // The lower bits of FNV are the weaker ones.
        return Int((hash.value ^ hash.value >> 32) % UInt64(count))
    }
}

import Channels

/// Objects by name, for millions of names, none of whose insertions takes long.
///
/// One dictionary would now and then move all its entries to a larger table, a tenth of a second for a million, under the
/// layer's lock. So there are 256 of them, which grow each at its own time.
struct NameTable<Object: AnyObject> {
    static var shardCount: Int { 256 }
    private var shards: [[String: Object]] = Array(repeating: [:], count: shardCount)
    private(set) var count = 0

    subscript(name: String) -> Object? { shards[Self.shard(of: name)][name] }

    /// `name` must not be there yet.
    mutating func insert(_ object: Object, named name: String) {
        shards[Self.shard(of: name)][name] = object
        count += 1
    }

    mutating func remove(_ name: String) {
        if shards[Self.shard(of: name)].removeValue(forKey: name) != nil { count -= 1 }
    }

    /// The objects of one shard, a 256th of all.
    func objects(inShard shard: Int) -> [Object] { Array(shards[shard].values) }

    /// Which dictionary: by the whole name, so that names that are alike at one end spread all the same.
    private static func shard(of name: String) -> Int { name.hashValue & (shardCount - 1) }
}

import Reactor

/// A shard of a layer: its keys, and where they are.
struct ShardPlace {
    let keys: ShardKeys
    /// One for each link.
    let makeLocator: () -> any RedisLocator
    /// The keys of another layout than this are elsewhere: only the first shard tells whether it is the one of this layer.
    var dependsOnFirst = false
}

extension RedisAddress {
    /// One for each shard, in their order.
    func places(prefix: String, on loop: EventLoop) -> [ShardPlace] {
        switch topology {
        case .servers(let endpoints):
            return endpoints.enumerated().map { number, endpoint in
                ShardPlace(
                    keys: ShardKeys(prefix: prefix, number: number, count: endpoints.count),
                    makeLocator: { FixedLocator(endpoint) })
            }
        case .sentinels(let sentinels, let sentinelCredentials, let services):
            return services.enumerated().map { number, service in
                ShardPlace(
                    keys: ShardKeys(prefix: prefix, number: number, count: services.count),
                    makeLocator: {
                        SentinelLocator(of: service, sentinels: sentinels, credentials: sentinelCredentials, on: loop)
                    })
            }
        case .cluster(let seeds, let shardCount):
            let map = ClusterMap(seeds: seeds, credentials: credentials, on: loop)
            return ShardKeys.inCluster(prefix: prefix, count: shardCount).map { keys in
                ShardPlace(
                    keys: keys, makeLocator: { ClusterLocator(of: keys.slot, shard: keys.number, in: map) },
                    dependsOnFirst: keys.number > 0)
            }
        }
    }
}

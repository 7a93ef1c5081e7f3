import Reactor

/// Tells where the Redis of a shard is: it may move. Loop only.
protocol RedisLocator: AnyObject {
    /// For an operator: `127.0.0.1:6379 (shard 2)`; nil: nobody knows where that is.
    func name(at endpoint: RedisEndpoint?) -> String
    /// Another server may have taken over since; so a refusal to write, or a lost connection, is a reason to look again.
    var mayMove: Bool { get }
    /// It is part of a cluster, in which each node tells where else something is.
    var followsRedirections: Bool { get }
    /// Whoever answers there may be another's replica, and is to be asked whether it is.
    var requiresMaster: Bool { get }

    /// Calls `completion` once, within this call or later.
    func locate(completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void)

    /// Ends what is under way: nothing is told any more.
    func close()
}

/// Where it is, nobody could say, for this reason: a text for an operator.
struct LocatingFailure: Error {
    let text: String
}

/// Always in the same place.
final class FixedLocator: RedisLocator {
    private let endpoint: RedisEndpoint

    init(_ endpoint: RedisEndpoint) {
        self.endpoint = endpoint
    }

    func name(at _: RedisEndpoint?) -> String { endpoint.description }
    var followsRedirections: Bool { false }
    var requiresMaster: Bool { false }

    /// Another address may have got the name.
    var mayMove: Bool {
        guard case .host(let host, _) = endpoint.place else { return false }
        return SocketAddress(host: host, port: RedisEndpoint.defaultPort) == nil
    }

    func locate(completion: @escaping (Result<RedisEndpoint, LocatingFailure>) -> Void) {
        completion(.success(endpoint))
    }

    func close() {}
}

public import Channels
import Reactor

extension RedisBackend {
    /// What the factory is registered under.
    public static let schemes = ["redis", "redis+unix"]
    /// Why `rediss:` is not.
    package static let noTLS =
        "Laurel has no TLS of its own. Put a tunnel in front of Redis, and name that: 'redis://127.0.0.1:6379/0'."

    /// The factory for `redis://[user:password@]host[:port][,host[:port]…][/database]` and `redis+unix:PATH`, with `prefix`
    /// (default `laurel`), `database` where there is no other place for it, and the settings of every layer.
    ///
    /// Several hosts are as many shards, in this order, for ever. The server starts whether Redis is there or not.
    ///
    /// - Throws: ``RegistryError`` for a URL with anything else in it.
    public static func make(_ context: BackendContext) throws -> RedisBackend {
        try make(context, library: .current)
    }

    /// - Parameters: see ``RedisCore``.
    static func make(
        _ context: BackendContext, library: ShardLibrary, time: (@Sendable () -> Int64)? = nil,
        callTimeMax: Duration = RedisCore.callTimeMax
    ) throws -> RedisBackend {
        try context.requireOnly(["prefix"])
        let address = try RedisAddress(context.url, layer: context.layer)
        let prefix = context.parameters["prefix"] ?? "laurel"
        guard !prefix.isEmpty, prefix.utf8.count <= 200, !prefix.contains(where: { "{}".contains($0) }) else {
            throw RegistryError(
                "'prefix' of layer '\(context.layer)' is 1 to 200 bytes without braces, not '\(prefix)'.")
        }
        let loop = try EventLoop(name: "redis")
        try loop.start()
        let core = RedisCore(
            endpoints: address.endpoints, credentials: address.credentials, prefix: prefix, settings: context.settings,
            library: library, clock: context.clock, time: time, callTimeMax: callTimeMax,
            report: context.report, on: loop)
        loop.execute { core.start() }
        return RedisBackend(core: core, settings: context.settings, clock: context.clock)
    }
}

/// What a `redis:` URL says: where the servers are, one for each shard, and as whom to come.
struct RedisAddress {
    let endpoints: [RedisEndpoint]
    let credentials: RedisCredentials

    /// - Throws: ``RegistryError``
    init(_ url: BackendURL, layer: String) throws(RegistryError) {
        let example = "'redis://127.0.0.1:6379/0'"
        if url.scheme == "redis+unix" {
            let path = url.location.hasPrefix("///") ? String(url.location.dropFirst(2)) : url.location
            guard let endpoint = RedisEndpoint(path), path.hasPrefix("/") else {
                throw RegistryError("'redis+unix:' needs the path of a socket, from the root (layer '\(layer)').")
            }
            endpoints = [endpoint]
            credentials = RedisCredentials(user: nil, password: nil, database: 0)
            return
        }
        guard url.location.hasPrefix("//") else {
            throw RegistryError("'redis:' needs a host (layer '\(layer)'), as in \(example).")
        }
        var rest = url.location.dropFirst(2)
        var database = 0
        if let slash = rest.firstIndex(of: "/") {
            let text = rest[rest.index(after: slash)...]
            guard text.isEmpty || Int(text).map({ $0 >= 0 }) == true else {
                throw RegistryError(
                    "What stands after '/' is no database of Redis (layer '\(layer)'): a number from 0, as in "
                        + "\(example). A '/' in a password is written '%2F'.")
            }
            database = Int(text) ?? 0
            rest = rest[..<slash]
        }
        var user: String?
        var password: String?
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let decoded = BackendURL.decode(parts[0]), let secret = BackendURL.decode(parts[1])
            else {
                throw RegistryError(
                    "What stands before '@' in the URL of layer '\(layer)' is 'user:password' or ':password', each "
                        + "percent-encoded.")
            }
            user = decoded.isEmpty ? nil : decoded
            password = secret
            rest = rest[rest.index(after: at)...]
        }
        var endpoints: [RedisEndpoint] = []
        for host in rest.split(separator: ",", omittingEmptySubsequences: false) {
            guard let endpoint = RedisEndpoint(String(host)), case .host = endpoint.place else {
                throw RegistryError(
                    "There is something in the URL of layer '\(layer)' that is no host of Redis: a name or an address, and "
                        + "a port, as in \(example).")
            }
            guard !endpoints.contains(endpoint) else {
                throw RegistryError("'\(host)' is given twice (layer '\(layer)'): each host is a shard of its own.")
            }
            endpoints.append(endpoint)
        }
        self.endpoints = endpoints
        credentials = RedisCredentials(user: user, password: password, database: database)
    }
}

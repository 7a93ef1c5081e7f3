import Channels

/// What a `redis:` URL says: where the servers are, and as whom to come.
struct RedisAddress {
    enum Topology {
        /// One for each shard.
        case servers([RedisEndpoint])
        /// One service for each shard.
        case sentinels([RedisEndpoint], RedisCredentials, services: [String])
        case cluster(seeds: [RedisEndpoint], shardCount: Int)
    }

    let topology: Topology
    let credentials: RedisCredentials

    /// Shards of a layer in a cluster. A group send is one call for each.
    private static let shardCounts = 1...64
    /// Divides evenly among two, three or six nodes.
    private static let defaultShardCount = 6

    /// - Throws: ``RegistryError``
    init(_ context: BackendContext) throws(RegistryError) {
        let url = context.url
        let layer = context.layer
        switch url.scheme {
        case "redis+unix":
            try context.requireOnly(["prefix"])
            topology = .servers([try Self.socket(url, layer: layer)])
            credentials = RedisCredentials()
        case "redis+sentinel":
            try context.requireOnly(["prefix", "sentinel-user", "sentinel-password"])
            var parts = try LocationParts(
                url, layer: layer, example: "'redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster'")
            let services = (parts.path.isEmpty ? "" : parts.path.removeFirst()).split(separator: ",").map(String.init)
            guard !services.isEmpty, Set(services).count == services.count else {
                throw RegistryError(
                    "'redis+sentinel:' needs the name of a master that the Sentinels watch over, or several different "
                        + "ones (layer '\(layer)'), as in \(parts.example).")
            }
            let own = RedisCredentials(
                user: context.parameters["sentinel-user"], password: context.parameters["sentinel-password"],
                database: 0)
            topology = .sentinels(
                try parts.endpoints(defaultPort: RedisEndpoint.sentinelPort), own, services: services)
            credentials = try parts.credentials()
        case "redis+cluster":
            try context.requireOnly(["prefix", "shards"])
            let parts = try LocationParts(url, layer: layer, example: "'redis+cluster://10.0.0.1:6379,10.0.0.2:6379'")
            let text = context.parameters["shards"] ?? "\(Self.defaultShardCount)"
            guard let shardCount = Int(text), Self.shardCounts.contains(shardCount) else {
                throw RegistryError(
                    "'shards' of layer '\(layer)' is a number from \(Self.shardCounts.lowerBound) to "
                        + "\(Self.shardCounts.upperBound), not '\(text)'.")
            }
            topology = .cluster(seeds: try parts.endpoints(), shardCount: shardCount)
            credentials = try parts.credentials()
            guard credentials.database == 0 else {
                throw RegistryError("A Redis Cluster has no database but 0 (layer '\(layer)').")
            }
        default:
            try context.requireOnly(["prefix"])
            let parts = try LocationParts(url, layer: layer, example: "'redis://127.0.0.1:6379/0'")
            topology = .servers(try parts.endpoints())
            credentials = try parts.credentials()
        }
    }

    private static func socket(_ url: BackendURL, layer: String) throws(RegistryError) -> RedisEndpoint {
        let path = url.location.hasPrefix("///") ? String(url.location.dropFirst(2)) : url.location
        guard let endpoint = RedisEndpoint(path), path.hasPrefix("/") else {
            throw RegistryError("'redis+unix:' needs the path of a socket, from the root (layer '\(layer)').")
        }
        return endpoint
    }
}

/// `//[user:password@]host[:port][,…][/path[/…]]`, of which each part is read when it is asked for.
private struct LocationParts {
    let layer: String
    let example: String
    private let scheme: String
    private let login: Substring?
    private let hosts: Substring
    /// What stands between the slashes, where there is something.
    var path: [Substring]

    /// - Throws: ``RegistryError``
    init(_ url: BackendURL, layer: String, example: String) throws(RegistryError) {
        guard url.location.hasPrefix("//") else {
            throw RegistryError("'\(url.scheme):' needs a host (layer '\(layer)'), as in \(example).")
        }
        self.layer = layer
        self.example = example
        scheme = url.scheme
        let parts = url.location.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false)
        path = parts.dropFirst().filter { !$0.isEmpty }
        let at = parts[0].lastIndex(of: "@")
        login = at.map { parts[0][..<$0] }
        hosts = at.map { parts[0][parts[0].index(after: $0)...] } ?? parts[0]
    }

    /// - Throws: ``RegistryError``
    func endpoints(defaultPort: UInt16 = RedisEndpoint.defaultPort) throws(RegistryError) -> [RedisEndpoint] {
        var endpoints: [RedisEndpoint] = []
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            guard let endpoint = RedisEndpoint(String(host), defaultPort: defaultPort), case .host = endpoint.place
            else {
                throw RegistryError(
                    "There is something in the URL of layer '\(layer)' that is no host: a name or an address, and "
                        + "a port, as in \(example).")
            }
            guard !endpoints.contains(endpoint) else {
                throw RegistryError(
                    "'\(host)' is given twice (layer '\(layer)')"
                        + (scheme == "redis" ? ": each host is a shard of its own." : "."))
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    /// With the database, which is what is left of the path.
    ///
    /// - Throws: ``RegistryError``
    func credentials() throws(RegistryError) -> RedisCredentials {
        guard path.count <= 1, let database = path.isEmpty ? 0 : Int(path[0]), database >= 0 else {
            throw RegistryError(
                "What stands after the last '/' is no database of Redis (layer '\(layer)'): a number from 0, as in "
                    + "\(example). A '/' in a password is written '%2F'.")
        }
        guard let login else { return RedisCredentials(user: nil, password: nil, database: database) }
        let parts = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let user = BackendURL.decode(parts[0]), let password = BackendURL.decode(parts[1])
        else {
            throw RegistryError(
                "What stands before '@' in the URL of layer '\(layer)' is 'user:password' or ':password', each "
                    + "percent-encoded.")
        }
        return RedisCredentials(user: user.isEmpty ? nil : user, password: password, database: database)
    }
}

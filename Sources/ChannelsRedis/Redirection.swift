/// What a node of a cluster says of a slot that it does not have: `MOVED 3999 127.0.0.1:6381`, or `ASK …` while it is giving it
/// away (Redis Cluster Specification, "Redirection and resharding"). The command has not run.
struct Redirection: Equatable {
    enum Kind: String {
        /// From now on that node has the slot.
        case moved = "MOVED"
        /// For this command only, after `ASKING`.
        case ask = "ASK"
    }

    /// Said by who was thought to stand alone, for an operator.
    static let unexpected = "it is a node of a Redis Cluster: give the URL of one, 'redis+cluster://HOST:PORT'"

    let kind: Kind
    let endpoint: RedisEndpoint

    /// - Parameters:
    ///   - text: an error.
    ///   - asked: who said it, as a node need not tell a host that is its own.
    init?(_ text: String, from asked: RedisEndpoint) {
        let words = text.split(separator: " ")
        guard words.count >= 3, let kind = Kind(rawValue: String(words[0])), let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...])
        else { return nil }
        self.kind = kind
        endpoint = asked.sibling(host: String(words[2][..<colon]), port: port)
    }
}

extension RedisEndpoint {
    /// A server of which this one told: at the same host where it does not know which.
    func sibling(host: String, port: UInt16) -> RedisEndpoint {
        guard host.isEmpty || host == "?" else { return RedisEndpoint(.host(host, port: port)) }
        guard case .host(let own, _) = place else { return self }
        return RedisEndpoint(.host(own, port: port))
    }
}

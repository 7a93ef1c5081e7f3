import Reactor

/// Where a Redis server is: `127.0.0.1:6379`, `[::1]:6379`, `name:6379`, or the path of a unix socket, `/run/redis.sock`.
struct RedisEndpoint: Hashable, Sendable, CustomStringConvertible {
    enum Place: Hashable, Sendable {
        /// A name, or an address without brackets.
        case host(String, port: UInt16)
        case unix(path: String)
    }

    static let defaultPort: UInt16 = 6379
    static let sentinelPort: UInt16 = 26_379

    var place: Place

    init(_ place: Place) {
        self.place = place
    }

    /// Reads the textual form; without a port it is `defaultPort`. Nil where it is none: an empty host, a port that is none,
    /// an address of IPv6 without brackets, a path longer than a socket's may be.
    init?(_ text: String, defaultPort: UInt16 = Self.defaultPort) {
        if text.hasPrefix("/") {
            guard SocketAddress(unixPath: text) != nil else { return nil }
            self.init(.unix(path: text))
            return
        }
        let isBracketed = text.hasPrefix("[")
        guard let end = isBracketed ? text.firstIndex(of: "]") : text.firstIndex(of: ":") ?? text.endIndex else {
            return nil
        }
        let host = text[..<end].dropFirst(isBracketed ? 1 : 0)
        let rest = text[end...].dropFirst(isBracketed ? 1 : 0)
        guard !host.isEmpty, let port = Self.port(rest, or: defaultPort) else { return nil }
        if isBracketed {
            guard case .ipv6 = SocketAddress(host: String(host), port: port) else { return nil }
        }
        self.init(.host(String(host), port: port))
    }

    /// Of `:6379`, or of nothing.
    private static func port(_ text: Substring, or defaultPort: UInt16) -> UInt16? {
        if text.isEmpty { return defaultPort }
        let digits = text.dropFirst()
        guard text.first == ":", digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return UInt16(digits).flatMap { $0 == 0 ? nil : $0 }
    }

    /// In the form that is read.
    var description: String {
        switch place {
        case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

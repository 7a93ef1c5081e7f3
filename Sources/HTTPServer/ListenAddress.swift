package import Reactor

/// Where a server listens, in the words of an operator: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/laurel.sock`.
///
/// Port 0 takes a free port. Names are not looked up.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// As above; `HTTPServer.listen` returns it with the port that was taken.
    package let description: String

    /// The path of a unix socket; nil for any other.
    package let unixPath: String?

    private static let unixPrefix = "unix:"

    /// Nil where `text` is none of the three forms, the port is above 65535, or a path is longer than 107 bytes.
    package init?(_ text: String) {
        guard let address = Self.parse(text) else { return nil }
        self.init(address, host: Self.host(of: text))
    }

    /// The address that a listener has; `host` as the operator wrote it.
    init(_ address: SocketAddress, host: Substring) {
        switch address {
        case .ipv4: description = "\(host):\(address.port)"
        case .ipv6: description = "[\(host)]:\(address.port)"
        case .unix(let path): description = Self.unixPrefix + path
        }
        if case .unix(let path) = address { unixPath = path } else { unixPath = nil }
    }

    /// With the port that the kernel has chosen.
    func bound(to address: SocketAddress) -> ListenAddress {
        if unixPath != nil { return self }
        return ListenAddress(address, host: Self.host(of: description))
    }

    package var socketAddress: SocketAddress {
        guard let address = Self.parse(description) else { preconditionFailure("It was parsed before") }
        return address
    }

    private static func parse(_ text: String) -> SocketAddress? {
        if text.hasPrefix(unixPrefix) {
            return SocketAddress(unixPath: String(text.dropFirst(unixPrefix.count)))
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard let port = UInt16(digits) else { return nil }
        let isBracketed = text.hasPrefix("[") && text[..<colon].hasSuffix("]")
        let address = SocketAddress(host: String(host(of: text)), port: port)
        switch address {
        case .ipv4 where !isBracketed, .ipv6 where isBracketed: return address
        default: return nil
        }
    }

    /// What stands before the last colon, without brackets.
    private static func host(of text: String) -> Substring {
        let host = text[..<(text.lastIndex(of: ":") ?? text.endIndex)]
        return host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
    }
}

package import Glibc

/// Where a socket listens: an address of IPv4 or IPv6 with a port, or a path in the file system.
package enum SocketAddress: Sendable {
    case ipv4(sockaddr_in)
    case ipv6(sockaddr_in6)
    /// The path fits `sun_path` with its final zero (at most 107 bytes).
    case unix(path: String)

    /// The longest path of a unix socket, in bytes, on Linux.
    package static let unixPathBytesMax = 107

    /// Reads an address in its textual form: `127.0.0.1`, `::1`. Nil where it is neither; names are not looked up.
    package init?(host: String, port: UInt16) {
        var ipv4 = sockaddr_in()
        var ipv6 = sockaddr_in6()
        if inet_pton(AF_INET, host, &ipv4.sin_addr) == 1 {
            ipv4.sin_family = sa_family_t(AF_INET)
            ipv4.sin_port = port.bigEndian
            self = .ipv4(ipv4)
        } else if inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1 {
            ipv6.sin6_family = sa_family_t(AF_INET6)
            ipv6.sin6_port = port.bigEndian
            self = .ipv6(ipv6)
        } else {
            return nil
        }
    }

    /// Nil where the path is empty or longer than ``unixPathBytesMax``.
    package init?(unixPath path: String) {
        guard !path.isEmpty, path.utf8.count <= Self.unixPathBytesMax else { return nil }
        self = .unix(path: path)
    }

    /// From what the kernel filled in.
    init(_ storage: sockaddr_storage) {
        self = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET: return .ipv4(bytes.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: return .ipv6(bytes.loadUnaligned(as: sockaddr_in6.self))
            default:
                let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix(Self.unixPathBytesMax + 1)
                return .unix(path: String(decoding: path.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
    }

    package var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// 0 for a unix socket.
    package var port: UInt16 {
        switch self {
        case .ipv4(let address): UInt16(bigEndian: address.sin_port)
        case .ipv6(let address): UInt16(bigEndian: address.sin6_port)
        case .unix: 0
        }
    }

    /// Lends the address in the form that system calls take.
    func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        switch self {
        case .ipv4(let address):
            length = Self.store(address, in: &storage)
        case .ipv6(let address):
            length = Self.store(address, in: &storage)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { field in
                for (index, byte) in path.utf8.prefix(Self.unixPathBytesMax).enumerated() { field[index] = byte }
            }
            length = Self.store(address, in: &storage)
        }
        // SAFETY: sockaddr_storage is made to be seen as any sockaddr (RFC 3493 §3.10); it lives through `body`.
        return try withUnsafePointer(to: storage) { (storage) throws(SystemError) -> Result in
            let address = UnsafeRawPointer(storage).assumingMemoryBound(to: sockaddr.self)
            return try body(address, socklen_t(length))
        }
    }

    private static func store<Address>(_ address: Address, in storage: inout sockaddr_storage) -> Int {
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: Address.self) }
        return MemoryLayout<Address>.size
    }
}

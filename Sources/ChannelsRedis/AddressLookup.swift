import Foundation
import Reactor

/// Where a name leads to. Asking the system's resolver blocks, for many seconds in bad times, so each look-up is a thread of its
/// own.
enum AddressLookup {
    /// The name leads nowhere, for now.
    struct Failure: Error {
        /// The system's text: "Name or service not known".
        let text: String
    }

    /// Calls `completion` on `loop`, once, never within this call, with at least one address, in the order in which they are
    /// to be tried. A look-up cannot be called off.
    static func start(
        _ name: String, port: UInt16, on loop: EventLoop,
        completion: @escaping @Sendable (Result<[SocketAddress], Failure>) -> Void
    ) {
        Thread.detachNewThread {
            let result = addresses(of: name, port: port)
            loop.execute { completion(result) }
        }
    }

    private static func addresses(of name: String, port: UInt16) -> Result<[SocketAddress], Failure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        let systemError = errno
        guard code == 0 else {
            let text = code == EAI_SYSTEM ? String(cString: strerror(systemError)) : String(cString: gai_strerror(code))
            return .failure(Failure(text: text))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let address = address(of: entry.pointee, port: port) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(Failure(text: "No address of IPv4 or IPv6")) : .success(addresses)
    }

    private static func address(of entry: addrinfo, port: UInt16) -> SocketAddress? {
        guard let pointer = entry.ai_addr else { return nil }
        // SAFETY: getaddrinfo(3) says by `ai_family` of which type the address is, and it lives until freeaddrinfo.
        let bytes = UnsafeRawBufferPointer(start: pointer, count: Int(entry.ai_addrlen))
        switch entry.ai_family {
        case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size:
            var address = bytes.loadUnaligned(as: sockaddr_in.self)
            address.sin_port = port.bigEndian
            return .ipv4(address)
        case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
            var address = bytes.loadUnaligned(as: sockaddr_in6.self)
            address.sin6_port = port.bigEndian
            return .ipv6(address)
        default: return nil
        }
    }
}

import CLinux
import Glibc

/// How a socket comes to listen.
package enum ListeningSocket {
    /// Opens, binds and listens.
    ///
    /// SO_REUSEADDR, so that a restart does not wait for connections of the last run. IPv6 stays IPv6, so that `0.0.0.0` and
    /// `[::]` can be served side by side. A unix socket's file must not exist: see ``isAnswered(_:)``.
    package static func open(_ address: SocketAddress, backlogConnections: Int) throws(SystemError) -> Descriptor {
        let descriptor = try SystemCall.socket(family: address.family)
        switch address {
        case .ipv4, .ipv6:
            try SystemCall.setOption(descriptor.number, level: SOL_SOCKET, SO_REUSEADDR, to: 1)
            if case .ipv6 = address {
                try SystemCall.setOption(descriptor.number, level: Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: 1)
            }
            // Accepted sockets inherit it: an answer leaves at once, without waiting for the last one's ACK (RFC 896).
            try SystemCall.setOption(descriptor.number, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
        case .unix:
            break
        }
        try SystemCall.bind(descriptor.number, to: address)
        try SystemCall.listen(descriptor.number, backlogConnections: backlogConnections)
        return descriptor
    }

    /// Whether somebody listens at `address`. Of a unix socket whose file is there although nobody does, its owner died.
    package static func isAnswered(_ address: SocketAddress) throws(SystemError) -> Bool {
        let descriptor = try SystemCall.socket(family: address.family)
        do {
            try SystemCall.connect(descriptor.number, to: address)
            return true
        } catch {
            switch error.code {
            case ECONNREFUSED, ENOENT: return false
            case EINPROGRESS, EAGAIN: return true  // a backlog that is full belongs to somebody who lives
            default: throw error
            }
        }
    }
}

import Foundation

/// A TCP connection for what no well-behaved client sends: bytes as they are, a hang-up at a chosen moment.
///
/// Its calls block, ten seconds at most; loopback answers at once.
final class RawSocket {
    private let descriptor: Int32
    private var unread: [UInt8] = []
    private var isOpen = true

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "cannot connect: \(String(cString: strerror(errno)))") }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close() }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(description: "cannot write: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads one response: its head, and the content that `Content-Length` announces.
    func readResponse() throws -> (status: Int, head: String, content: [UInt8]) {
        let separator = Array("\r\n\r\n".utf8)
        var end: Int?
        while end == nil {
            end = unread.indices.first { unread[$0...].starts(with: separator) }
            if end == nil, try !readMore() { throw Failure(description: "the connection ended before a response") }
        }
        let head = String(decoding: unread[..<end!], as: UTF8.self)
        unread.removeFirst(end! + separator.count)
        let length = head.firstMatch(of: /(?i)\r\nContent-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
        while unread.count < length {
            guard try readMore() else { throw Failure(description: "the connection ended within a content") }
        }
        defer { unread.removeFirst(length) }
        return (Int(head.dropFirst(9).prefix(3)) ?? 0, head, Array(unread[..<length]))
    }

    /// What comes until the server closes the connection.
    func readToEnd() throws -> String {
        while try readMore() {}
        defer { unread = [] }
        return String(decoding: unread, as: UTF8.self)
    }

    /// Closes the sending side only (FIN).
    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Foundation.close(descriptor)
    }

    /// Closes so that the server sees a reset (RST) instead of an orderly end.
    func reset() {
        var immediately = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &immediately, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// False at the end of the connection.
    private func readMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(description: "cannot read: \(String(cString: strerror(errno)))") }
        unread += buffer[..<count]
        return count > 0
    }
}

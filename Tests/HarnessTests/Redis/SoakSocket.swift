import Foundation

/// A keep-alive connection of one soak client, which has a thread to itself and blocks on it. Beside `HTTPClient` it can look
/// whether an answer has begun, hang up in several ways, and costs little, as a soak sends millions of requests.
final class SoakSocket {
    struct Answer {
        let status: Int
        let content: [UInt8]

        func contains(_ text: String) -> Bool { String(decoding: content, as: UTF8.self).contains(text) }
    }

    /// How a receiver goes away in its wait.
    enum HangUp: CaseIterable {
        /// Says that it sends no more, and reads what comes until the server closes: so it knows all that was written to it.
        case finish
        case close
        case reset
    }

    private let port: UInt16
    private var descriptor: Int32 = -1
    private var unread: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// The connection ended without an answer, or none came for a minute.
    struct Failure: Error {}

    private static let patienceMilliseconds: Int32 = 60_000

    init(port: UInt16) { self.port = port }

    deinit { disconnect() }

    /// Sends one request, on a connection that it makes where there is none.
    func send(_ method: String, _ target: String, _ content: String? = nil) throws {
        if descriptor < 0 { try connect() }
        var text = "\(method) \(target) HTTP/1.1\r\nHost: l\r\n"
        if let content { text += "Content-Type: application/json\r\nContent-Length: \(content.utf8.count)\r\n" }
        var rest = Array((text + "\r\n" + (content ?? "")).utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure() }
            rest = rest.dropFirst(count)
        }
    }

    func ask(_ method: String, _ target: String, _ content: String? = nil) throws -> Answer {
        try send(method, target, content)
        return try answer()
    }

    /// Whether something is there to be read, at the end of that time at the latest.
    func hasInput(within milliseconds: Int32) -> Bool {
        var file = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&file, 1, milliseconds) > 0
    }

    /// The next answer.
    func answer() throws -> Answer {
        while true {
            if let answer = takeAnswer() { return answer }
            guard try readMore() else {
                disconnect()
                throw Failure()
            }
        }
    }

    /// Nil where nothing came any more, or nobody can tell.
    func hangUp(_ kind: HangUp) throws -> Answer? {
        defer { disconnect() }
        switch kind {
        case .finish:
            shutdown(descriptor, Int32(SHUT_WR))
            while try readMore() {}
            return takeAnswer()
        case .reset:
            var immediately = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &immediately, socklen_t(MemoryLayout<linger>.size))
        case .close: break
        }
        return nil
    }

    private func connect() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            disconnect()
            throw Failure()
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private func disconnect() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        unread = []
    }

    /// False at the end of the connection.
    private func readMore() throws -> Bool {
        guard hasInput(within: Self.patienceMilliseconds) else { throw Failure() }
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure() }
        unread += buffer[..<count]
        return count > 0
    }

    /// An answer that has come as a whole; these have a `Content-Length`, or no content.
    private func takeAnswer() -> Answer? {
        let headCount: Int? = unread.withUnsafeBytes { bytes in
            var start = 0
            while let begin = bytes.baseAddress, let found = memchr(begin + start, 13, bytes.count - start) {
                start = UnsafeRawPointer(found) - begin + 1
                if bytes.count >= start + 3, memcmp(found, "\r\n\r\n", 4) == 0 { return start + 3 }
            }
            return nil
        }
        guard let headCount else { return nil }
        let head = String(decoding: unread[..<headCount], as: UTF8.self)
        let length =
            head.range(of: "\r\nContent-Length: ").flatMap { Int(head[$0.upperBound...].prefix { $0.isNumber }) } ?? 0
        guard unread.count >= headCount + length else { return nil }
        defer { unread.removeFirst(headCount + length) }
        return Answer(
            status: Int(head.dropFirst(9).prefix(3)) ?? 0, content: Array(unread[headCount..<(headCount + length)]))
    }
}

import Glibc
import HTTPServer
import Reactor

/// A client that sends the bytes it is told and nothing else. It runs on a loop of its own, the one that the test runs on.
final class Client {
    struct Response {
        var status: Int
        /// Status line and field lines, each ended by CRLF.
        var head: String
        var content: [UInt8]

        var text: String { String(decoding: content, as: UTF8.self) }

        func field(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
                .map { String($0.dropFirst(name.utf8.count + 2)) }
        }
    }

    struct Ended: Error {}
    struct TooLate: Error {}

    /// No answer takes as long; it only keeps a broken server from hanging its tests.
    static let patience: Duration = .seconds(20)

    private let socket: Socket
    private var number: Int32
    private var received: [UInt8] = []

    /// - Parameters:
    ///   - receiveBufferBytes: Small, for a client that shall read slowly.
    ///   - beforeConnecting: Done when the client has its descriptor.
    init(
        to address: ListenAddress, receiveBufferBytes: Int32? = nil, beforeConnecting: () -> Void = {}
    ) throws {
        let target = address.socketAddress
        let descriptor = try SystemCall.socket(family: target.family)
        number = descriptor.number
        if let receiveBufferBytes {
            try SystemCall.setOption(number, level: SOL_SOCKET, SO_RCVBUF, to: receiveBufferBytes)
        }
        beforeConnecting()
        do {
            try SystemCall.connect(number, to: target)
        } catch {
            guard error.code == EINPROGRESS else { throw error }
        }
        socket = try Socket(adopting: descriptor, on: EventLoop.current!)
    }

    deinit {
        socket.close()
    }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        var sent = 0
        while sent < bytes.count {
            guard await socket.wait(for: .writable, until: .now + Self.patience) == .ready else { throw TooLate() }
            sent += try bytes.withUnsafeBytes { bytes throws(SystemError) in
                try socket.write(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
        }
    }

    /// The next answer, whole.
    func response(toHead: Bool = false) async throws -> Response {
        let headEnd = Array("\r\n\r\n".utf8)
        let head = try await receive { bytes in
            bytes.indices.first { bytes[$0...].starts(with: headEnd) }.map { $0 + headEnd.count }
        }
        let text = String(decoding: head.dropLast(2), as: UTF8.self)
        var response = Response(status: Int(text.split(separator: " ")[1])!, head: text, content: [])
        let length = response.field("Content-Length").flatMap(Int.init) ?? 0
        if !toHead, length > 0 {
            response.content = try await receive { $0.count >= length ? length : nil }
        }
        return response
    }

    /// Whether the server ends the connection without another byte.
    func isEnded() async -> Bool {
        do {
            _ = try await receive { $0.isEmpty ? nil : $0.count }
            return false
        } catch {
            return error is Ended
        }
    }

    /// Takes as many bytes as `count` says once it says something.
    private func receive(_ count: (ArraySlice<UInt8>) -> Int?) async throws -> [UInt8] {
        while true {
            if let count = count(received[...]) {
                defer { received.removeFirst(count) }
                return Array(received[..<count])
            }
            guard await socket.wait(for: .readable, until: .now + Self.patience) == .ready else { throw TooLate() }
            let buffer = socket.loop.readBuffer
            let end = try? socket.read(into: buffer)
            if case .bytes(let count) = end { received.append(contentsOf: buffer[..<count]) }
            switch end {
            case .bytes, .nothingYet: continue
            case .end, nil: throw Ended()  // in peace, or by a reset
            }
        }
    }

    // MARK: Leaving

    func close() {
        socket.close()
    }

    /// A FIN, while the client goes on reading.
    func closeSending() {
        socket.shutdownSending()
    }

    /// A RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        socket.close()
    }
}

import Glibc
package import Reactor

/// One connection of a load: sends a request, reads its answer to the end, and again. It knows just enough of HTTP for that,
/// so that the load costs little beside what it measures.
///
/// Belongs to its loop: made and used in tasks that run there.
package final class LoadConnection {
    package struct Answer: Sendable {
        package var status: Int
        package var content: [UInt8]
    }

    /// The server ended the connection, or answered with what no answer is.
    package struct Broken: Error, CustomStringConvertible {
        package let description: String
    }

    private let socket: Socket
    /// Read, but not taken yet, from `taken` on.
    private var received: [UInt8] = []
    private var taken = 0

    /// No server that is well takes as long.
    private static let patience = Duration.seconds(330)

    /// Begins to connect; the first request waits for it.
    ///
    /// - Throws: where the process is out of descriptors, or nobody listens.
    package init(to address: SocketAddress, on loop: EventLoop) throws(SystemError) {
        let descriptor = try SystemCall.socket(family: address.family)
        if case .unix = address {
        } else {
            try SystemCall.setOption(descriptor.number, level: Int32(IPPROTO_TCP), TCP_NODELAY, to: 1)
        }
        do {
            try SystemCall.connect(descriptor.number, to: address)
        } catch {
            guard error.code == EINPROGRESS else { throw error }
        }
        socket = try Socket(adopting: descriptor, on: loop)
    }

    deinit {
        socket.close()
    }

    package nonisolated(nonsending) func exchange(_ request: [UInt8]) async throws -> Answer {
        try await send(request)
        return try await answer()
    }

    package nonisolated(nonsending) func send(_ request: [UInt8]) async throws {
        var sent = 0
        while sent < request.count {
            let count = try request.withUnsafeBytes { bytes throws(SystemError) in
                try socket.write(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
            sent += count
            if count == 0 { try await wait(for: .writable) }
        }
    }

    /// The next answer. Contents have a length; chunked ones are not understood.
    package nonisolated(nonsending) func answer() async throws -> Answer {
        while true {
            if let head = AnswerHead(of: received[taken...]) {
                let end = head.end + head.contentBytes
                while received.count < end { try await receive() }
                let content = Array(received[head.end..<end])
                taken = end
                if taken == received.count {
                    received.removeAll(keepingCapacity: received.capacity <= 65_536)
                    taken = 0
                }
                return Answer(status: head.status, content: content)
            }
            try await receive()
        }
    }

    private nonisolated(nonsending) func receive() async throws {
        let buffer = socket.loop.readBuffer
        switch try socket.read(into: buffer) {
        case .bytes(let count): received.append(contentsOf: buffer[..<count])
        case .nothingYet: try await wait(for: .readable)
        case .end: throw Broken(description: "the server ended a connection")
        }
    }

    private nonisolated(nonsending) func wait(for interest: Readiness) async throws {
        guard await socket.wait(for: interest, until: socket.loop.now + Self.patience) == .ready else {
            throw Broken(description: "the server does not answer")
        }
    }
}

/// Where an answer's head ends, and what it says of the rest.
private struct AnswerHead {
    var status: Int
    /// In the indices of the bytes that it was read from.
    var end: Int
    var contentBytes = 0

    /// Nil while it is not complete.
    init?(of bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        let digits = bytes[(bytes.startIndex + 9)..<(bytes.startIndex + 12)]
        status = digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        var lineStart = bytes.startIndex
        while let lineEnd = bytes[lineStart...].firstIndex(of: 0x0A) {
            let line = bytes[lineStart..<lineEnd]
            if line.count <= 1 {
                end = lineEnd + 1
                return
            }
            if let length = Self.contentLength(line) { contentBytes = length }
            lineStart = lineEnd + 1
        }
        return nil
    }

    private static func contentLength(_ line: ArraySlice<UInt8>) -> Int? {
        let name: StaticString = "content-length:"
        let length = name.utf8CodeUnitCount
        guard line.count > length, line[line.startIndex] | 0x20 == name.utf8Start[0] else { return nil }
        for offset in 0..<length where line[line.startIndex + offset] | 0x20 != name.utf8Start[offset] | 0x20 {
            return nil
        }
        return line[(line.startIndex + length)...].reduce(0) {
            (0x30...0x39).contains($1) ? $0 * 10 + Int($1 - 0x30) : $0
        }
    }
}

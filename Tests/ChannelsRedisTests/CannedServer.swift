import Glibc
import Reactor

@testable import ChannelsRedis

/// What listens like a Redis server, and says to each that connects what it was told to say, whatever it is asked; and later
/// what a test has it say. On its loop.
// SAFETY: everything belongs to the loop.
final class CannedServer: @unchecked Sendable {
    enum Line {
        case says(String)
        case saysAndCloses(String)
    }

    let endpoint: RedisEndpoint
    private let listener: Socket
    private var lines: [Line]
    private var connections: [Socket] = []
    private var heard: [[UInt8]] = []

    /// - Parameter lines: For the first connection, the second, and so on; the last is for all that follow.
    private init(_ lines: [Line], on loop: EventLoop) throws {
        self.lines = lines
        let descriptor = try ListeningSocket.open(SocketAddress(host: "127.0.0.1", port: 0)!, backlogConnections: 16)
        endpoint = RedisEndpoint(
            .host("127.0.0.1", port: try SystemCall.localAddress(of: descriptor.number).port))
        listener = try Socket(adopting: descriptor, on: loop)
        listener.onWatchEnd = { [unowned self] _ in accept() }
        listener.watch(for: .readable, until: .now + .seconds(3600))
    }

    /// Runs `body`, and closes all in the end.
    static func run<Value: Sendable>(
        _ lines: [Line], _ body: @escaping @Sendable (CannedServer) async throws -> Value
    ) async throws -> Value {
        let loop = try EventLoop(name: "canned-server")
        try loop.start()
        defer { loop.stop() }
        return try await Task(executorPreference: loop) {
            let server = try CannedServer(lines, on: loop)
            defer { server.close() }
            return try await body(server)
        }.value
    }

    private func accept() {
        while let descriptor = try? listener.accept() {
            guard let socket = try? Socket(adopting: descriptor, on: listener.loop) else { continue }
            let line = lines.count > 1 ? lines.removeFirst() : lines[0]
            switch line {
            case .says(let text):
                say(Array(text.utf8), on: socket)
                let number = connections.count
                connections.append(socket)
                heard.append([])
                socket.onWatchEnd = { [unowned self] _ in hear(number) }
                hear(number)
            case .saysAndCloses(let text):
                say(Array(text.utf8), on: socket)
                socket.close()
            }
        }
        listener.watch(for: .readable, until: .now + .seconds(3600))
    }

    private func say(_ bytes: [UInt8], on socket: Socket) {
        guard !bytes.isEmpty else { return }
        _ = try? bytes.withUnsafeBytes { try socket.write($0) }
    }

    private func hear(_ number: Int) {
        let socket = connections[number]
        while case .bytes(let count)? = try? socket.read(into: socket.loop.readBuffer) {
            heard[number] += socket.loop.readBuffer[..<count]
        }
        if !socket.mayBeReadable { socket.watch(for: .readable, until: .now + .seconds(3600)) }
    }

    private func close() {
        for socket in connections + [listener] {
            socket.endWatch()
            socket.close()
        }
    }

    // MARK: By hand

    var loop: EventLoop { listener.loop }

    /// How many connections were made, of those that it did not close.
    var connectionCount: Int { connections.count }

    /// Says something on the connection that was the first, second, … to be made, from 0 on.
    func say(_ bytes: [UInt8], on number: Int) { say(bytes, on: connections[number]) }

    /// The next command that has arrived there, as texts; nil where none has.
    func takeCommand(on number: Int) -> [String]? {
        guard connections.indices.contains(number) else { return nil }
        var rest = heard[number][...]
        func line() -> String? {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return String(decoding: rest[..<end].dropLast(), as: UTF8.self)
        }
        var words: [String] = []
        guard let count = line().flatMap({ Int($0.dropFirst()) }) else { return nil }
        for _ in 0..<count {
            guard let length = line().flatMap({ Int($0.dropFirst()) }), rest.count >= length + 2 else { return nil }
            words.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length + 2)
        }
        heard[number] = Array(rest)
        return words
    }
}

import Glibc
import Reactor

@testable import ChannelsRedis

/// What listens like a Redis server, and says to each that connects what it was told to say, whatever it is asked. On its loop.
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
                say(text, on: socket)
                connections.append(socket)
            case .saysAndCloses(let text):
                say(text, on: socket)
                socket.close()
            }
        }
        listener.watch(for: .readable, until: .now + .seconds(3600))
    }

    private func say(_ text: String, on socket: Socket) {
        guard !text.isEmpty else { return }
        _ = try? Array(text.utf8).withUnsafeBytes { try socket.write($0) }
    }

    private func close() {
        listener.endWatch()
        for socket in connections + [listener] { socket.close() }
    }
}

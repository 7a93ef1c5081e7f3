import Foundation
import Synchronization

/// A real redis-server that a test starts, on a port of 127.0.0.1 and on a unix socket, in a folder of its own; it keeps nothing.
///
/// Its process is ours: only this class waits for it, so its number is nobody else's until then.
final class RedisServer: Sendable {
    let port: UInt16
    let unixPath: String
    let folder: String
    /// On which the nodes of a cluster talk to each other.
    let busPort: UInt16?
    private let arguments: [String]
    /// Of a Sentinel, which keeps in this file what it knows.
    private let sentinelFile: String?
    private let process = Mutex<pid_t?>(nil)

    /// It could not be started.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private init(arguments: [String], clusterNodeTimeout: Duration?, sentinelConfiguration: String? = nil) throws {
        port = try Self.freePort()
        var arguments = arguments
        busPort = clusterNodeTimeout == nil ? nil : try Self.freePort()
        if let clusterNodeTimeout, let busPort {
            arguments += ["--cluster-enabled", "yes", "--cluster-port", "\(busPort)"]
            // Who has lost its node goes on without what that one had, and a replica begins at once.
            arguments += ["--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"]
            arguments += ["--cluster-node-timeout", "\(clusterNodeTimeout.components.seconds * 1000)"]
        }
        self.arguments = arguments
        folder = FileManager.default.temporaryDirectory.appending(path: "laurel-redis-\(UUID().uuidString)").path
        unixPath = folder + "/redis.sock"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        sentinelFile = sentinelConfiguration == nil ? nil : folder + "/sentinel.conf"
        if let sentinelConfiguration, let sentinelFile {
            try sentinelConfiguration.write(toFile: sentinelFile, atomically: true, encoding: .utf8)
        }
    }

    /// Makes a server, runs `body`, and ends the server whatever happened.
    ///
    /// - Parameters:
    ///   - arguments: Of redis-server, besides those that say where it listens: `["--requirepass", "secret"]`.
    ///   - clusterNodeTimeout: It is a node of a cluster, where others take it for dead when they have not heard of it for so
    ///     long, in whole seconds.
    ///   - isStarted: False: the test starts it.
    static func run<Result>(
        _ arguments: [String] = [], clusterNodeTimeout: Duration? = nil, isStarted: Bool = true,
        _ body: (RedisServer) async throws -> Result
    ) async throws -> Result {
        try await run(
            RedisServer(arguments: arguments, clusterNodeTimeout: clusterNodeTimeout), isStarted: isStarted, body)
    }

    /// The same with a Sentinel.
    ///
    /// - Parameter configuration: lines as in its file.
    static func runSentinel<Result>(
        _ configuration: String, _ body: (RedisServer) async throws -> Result
    ) async throws -> Result {
        let sentinel = try RedisServer(arguments: [], clusterNodeTimeout: nil, sentinelConfiguration: configuration)
        return try await run(sentinel, isStarted: true, body)
    }

    private static func run<Result>(
        _ server: RedisServer, isStarted: Bool, _ body: (RedisServer) async throws -> Result
    ) async throws -> Result {
        defer {
            server.kill()
            try? FileManager.default.removeItem(atPath: server.folder)
        }
        if isStarted { try await server.start() }
        return try await body(server)
    }

    /// Starts it, again after it was killed, and returns when it takes connections.
    func start() async throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure(description: "no pipe") }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        do {
            try spawn(output: writeEnd)
        } catch {
            close(writeEnd)
            close(readEnd)
            throw error
        }
        close(writeEnd)
        let failure = await withCheckedContinuation { continuation in
            // It reads on after that: a server whose output nobody reads would stand still some day.
            Thread.detachNewThread { Self.read(readEnd) { continuation.resume(returning: $0) } }
        }
        if let failure { throw failure }
    }

    /// SIGKILL, and waits for its end. Nothing if it does not run.
    func kill() {
        process.withLock { process in
            guard let pid = process.take() else { return }
            Foundation.kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) == -1 && errno == EINTR {}
        }
    }

    /// Freezes it: the kernel still takes connections and bytes for it.
    func pause() { signal(SIGSTOP) }
    func resume() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        process.withLock { process in
            if let process { Foundation.kill(process, number) }
        }
    }

    // MARK: The process

    private func spawn(output: Int32) throws {
        let place = ["--bind", "127.0.0.1", "--port", "\(port)", "--unixsocket", unixPath, "--dir", folder]
        let command =
            if let sentinelFile {
                ["redis-server", sentinelFile, "--sentinel"] + place
            } else {
                ["redis-server"] + place + ["--save", "", "--appendonly", "no"] + arguments
            }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var list: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        defer { for word in list { free(word) } }
        list.append(nil)
        let code = process.withLock { process in
            precondition(process == nil, "It runs already")
            var pid = pid_t()
            let code = posix_spawnp(&pid, list[0]!, &actions, nil, list, environ)
            if code == 0 { process = pid }
            return code
        }
        guard code == 0 else {
            throw Failure(description: "redis-server cannot be started: \(String(cString: strerror(code)))")
        }
    }

    /// Reads to the end, and says once whether it has come to take connections.
    private static func read(_ descriptor: Int32, _ outcome: (Failure?) -> Void) {
        var text = ""
        var isOver = false
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            if isOver { continue }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            // The unix socket is the last that it opens, and this line comes after it.
            let isReady = text.contains("eady to accept connections") && text.contains(".sock")
            if isReady || text.contains("+monitor master") {
                isOver = true
                outcome(nil)
            }
        }
        close(descriptor)
        if !isOver { outcome(Failure(description: "redis-server ended: \(text)")) }
    }

    /// The one after the last that was given: tests that run at once must not find the same one free.
    private static let lastPort = Mutex(UInt16.random(in: 20_000..<31_000))

    /// Below the ports that the kernel gives to who connects, so that it stays free while the server is down.
    private static func freePort() throws -> UInt16 {
        for _ in 0..<100 {
            let port = lastPort.withLock { last in
                last = last < 32_000 ? last + 1 : 20_000
                return last
            }
            // A server that another test starts at this moment must not inherit it.
            let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            let isFree = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isFree { return port }
        }
        throw Failure(description: "no free port")
    }
}

import Foundation
import Synchronization
import Testing

/// A real redis-server that a test starts, on a port of 127.0.0.1. It keeps nothing: when it starts again, it is empty.
final class RedisProcess: Sendable {
    let port: UInt16
    private let arguments: [String]
    private let child = Mutex<ChildProcess?>(nil)

    private init(arguments: [String]) throws {
        self.arguments = arguments
        port = try #require(Self.freePort(), "no free port")
    }

    /// Starts redis-server, runs `body`, and ends it whatever happened.
    ///
    /// - Parameter arguments: besides those that say where it listens: `["--requirepass", "secret"]`.
    static func run<Result>(
        _ arguments: [String] = [], _ body: (RedisProcess) async throws -> Result
    ) async throws -> Result {
        let redis = try RedisProcess(arguments: arguments)
        defer { redis.signal(SIGKILL) }
        try await redis.start()
        return try await body(redis)
    }

    /// What `--backend` is given.
    var url: String { "redis://127.0.0.1:\(port)" }

    /// Starts it, again after it was killed, and returns when it takes connections.
    func start() async throws {
        // Its log goes where a child's lines are waited for.
        let command =
            ["-c", #"exec redis-server "$@" >&2"#, "redis-server", "--bind", "127.0.0.1", "--port", "\(port)"]
            + ["--save", "", "--appendonly", "no"] + arguments
        let started = try ChildProcess("sh", command)
        child.withLock { $0 = started }
        _ = try await started.errorLine { $0.contains("Ready to accept connections") }
    }

    /// SIGKILL, and waits for its end.
    func kill() async {
        signal(SIGKILL)
        _ = await child.withLock { $0 }?.exitStatus()
    }

    /// Frozen, the kernel still takes connections and bytes for it.
    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    private func signal(_ number: Int32) { child.withLock { $0 }?.signal(number) }

    /// Runs a command, and returns what it answers, as redis-cli writes it.
    @discardableResult
    func command(_ words: String...) async throws -> String {
        let (status, output, errors) = try await ChildProcess.run("redis-cli", ["-e", "-p", "\(port)"] + words)
        try #require(status == 0, "\(words): \(output)\(errors)")
        return output.trimmingCharacters(in: .newlines)
    }

    /// Below the ports that the kernel gives to who connects, so that it stays free while the server is down.
    private static func freePort() -> UInt16? {
        (0..<100).lazy.map { _ in UInt16.random(in: 20_000..<32_000) }.first { (try? RawSocket(port: $0)) == nil }
    }
}

import Foundation
import Synchronization
import Testing

/// A real redis-server that a test starts, on a port of 127.0.0.1, in a folder of its own.
final class RedisProcess: Sendable {
    /// What it still has when it is started again.
    enum Keeping: Sendable {
        case nothing
        /// What it answered, be it killed right after: with `appendfsync no` a write to the file comes before the answer. (With
        /// `everysec` it may come after it, while another is synced.)
        case everyCommand
        /// What `SAVE` was told.
        case snapshots
    }

    let port: UInt16
    private let arguments: [String]
    private let folder: URL
    private let child = Mutex<ChildProcess?>(nil)

    private init(arguments: [String], keeping: Keeping) throws {
        port = try #require(Self.freePort(), "no free port")
        folder = FileManager.default.temporaryDirectory.appending(path: "laurel-redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let own =
            switch keeping {
            case .nothing, .snapshots: ["--appendonly", "no"]
            case .everyCommand: ["--appendonly", "yes", "--appendfsync", "no"]
            }
        self.arguments =
            ["--bind", "127.0.0.1", "--port", "\(port)", "--dir", folder.path(), "--save", ""] + own + arguments
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Starts redis-server, runs `body`, and ends it whatever happened.
    ///
    /// - Parameters:
    ///   - arguments: besides those that say where it listens and what it keeps: `["--requirepass", "secret"]`.
    ///   - keeping: nothing, unless told: when it starts again, it is empty.
    static func run<Result>(
        _ arguments: [String] = [], keeping: Keeping = .nothing, _ body: (RedisProcess) async throws -> Result
    ) async throws -> Result {
        let redis = try RedisProcess(arguments: arguments, keeping: keeping)
        do {
            try await redis.start()
            let result = try await body(redis)
            await redis.kill()
            return result
        } catch {
            await redis.kill()
            throw error
        }
    }

    /// What `--backend` is given.
    var url: String { "redis://127.0.0.1:\(port)" }

    /// Starts it, again after it was killed, and returns when it takes commands.
    func start() async throws {
        try begin()
        try await untilStarted()
    }

    /// Starts it, and returns at once: it may take connections while it still loads what it has.
    ///
    /// - Parameter more: arguments for this time only.
    func begin(_ more: [String] = []) throws {
        // Its log goes where a child's lines are waited for.
        let command = ["-c", #"exec redis-server "$@" >&2"#, "redis-server"] + arguments + more
        let started = try ChildProcess("sh", command)
        child.withLock { $0 = started }
    }

    /// Returns when it has loaded what it has.
    func untilStarted() async throws { try await untilLogged("Ready to accept connections") }

    /// Returns when it has written a line that holds this, since it was started last.
    func untilLogged(_ text: String) async throws {
        _ = try await child.withLock { $0 }?.errorLine { $0.contains(text) }
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
    func command(_ words: String...) async throws -> String { try await command(words) }

    @discardableResult
    func command(_ words: [String]) async throws -> String {
        let (status, output, errors) = try await ChildProcess.run("redis-cli", ["-e", "-p", "\(port)"] + words)
        try #require(status == 0, "\(words): \(output)\(errors)")
        return output.trimmingCharacters(in: .newlines)
    }

    /// Below the ports that the kernel gives to who connects, so that it stays free while nobody listens.
    static func freePort() -> UInt16? {
        (0..<100).lazy.map { _ in UInt16.random(in: 20_000..<32_000) }.first { (try? RawSocket(port: $0)) == nil }
    }
}

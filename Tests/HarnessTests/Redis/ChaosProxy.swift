import CLinux
import Foundation
import Synchronization
import Testing

/// A TCP proxy in front of a Redis that does what networks do: it delays, splits, cuts or swallows what passes, or lets nobody in. A
/// test changes how it behaves while it runs.
///
/// How it works. One thread accepts; each connection has two more, one for a direction (`ChaosConnection`). Each looks up how the
/// proxy behaves for each piece that it has read. What is at random comes from one seed, which is printed; `CHAOS_SEED` repeats it, as
/// far as the kernel's timing allows.
final class ChaosProxy: Sendable {
    enum Direction: CaseIterable, Sendable {
        case toRedis, toLaurel
    }

    /// What a connection is for: one for bells says `SUBSCRIBE` or `SSUBSCRIBE` as it begins.
    enum Kind: CaseIterable, Sendable {
        case calls, bells
    }

    /// By default everything passes.
    struct Behaviour: Sendable {
        /// For so long each piece waits that is read.
        var delays: [Direction: Duration] = [:]
        /// What is read is written in pieces of one to so many bytes, at random.
        var pieceBytesMax: Int?
        /// What is read goes nowhere, as if who should get it had vanished, and both sockets stay open. A connection of which something
        /// was swallowed passes nothing in that direction any more: there would be a hole in it.
        var swallowed: Set<Direction> = []
        /// Each connection is cut when one to so many bytes have passed in one of the directions, at random.
        var lifeBytesMax: Int?
        /// Connections end as soon as they say anything.
        var refuses = false
    }

    enum Door: Sendable {
        case open
        /// Who connects is accepted, and closed at once.
        case revolving
        /// Nobody listens.
        case shut
    }

    let port: UInt16
    let seed: UInt64
    private let redisPort: UInt16
    private let state = Mutex(State())
    private let threads = DispatchGroup()

    private struct State {
        var behaviours: [Kind: Behaviour] = [:]
        var door = Door.shut
        var listener: Int32 = -1
        var isOver = false
        var connections: [UInt64: ChaosConnection] = [:]
        var connectionsCount: UInt64 = 0
        var trap: (direction: Direction, bytes: [UInt8])?
        var cutCount = 0
        var swallowedBytes = 0
    }

    private init(to redis: RedisProcess) throws {
        redisPort = redis.port
        port = try #require(RedisProcess.freePort(), "no free port")
        seed = ProcessInfo.processInfo.environment["CHAOS_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
    }

    /// Starts a proxy that passes everything, runs `body`, and ends it with all its connections and threads.
    static func run<Result>(to redis: RedisProcess, _ body: (ChaosProxy) async throws -> Result) async throws -> Result
    {
        let proxy = try ChaosProxy(to: redis)
        print("CHAOS_SEED=\(proxy.seed)")
        try proxy.turn(.open)
        do {
            let result = try await body(proxy)
            await proxy.end()
            return result
        } catch {
            await proxy.end()
            throw error
        }
    }

    /// What `--backend` is given.
    var url: String { "redis://127.0.0.1:\(port)" }

    // MARK: Behaviour

    func behaviour(of kind: Kind) -> Behaviour { state.withLock { $0.behaviours[kind] ?? Behaviour() } }

    /// Changes how it behaves from now on, to connections that are there too.
    func behave(on kinds: [Kind] = Kind.allCases, _ change: (inout Behaviour) -> Void) {
        state.withLock { state in for kind in kinds { change(&state.behaviours[kind, default: Behaviour()]) } }
    }

    /// Everything passes, and who connects is let in.
    func recover() throws {
        state.withLock { $0.behaviours = [:] }
        try turn(.open)
    }

    /// Resets all connections of those kinds, now.
    func cut(_ kinds: [Kind] = Kind.allCases) {
        let connections = state.withLock { state in state.connections.values.filter { kinds.contains($0.kind) } }
        for connection in connections where connection.end(byReset: true) { noteCut() }
    }

    /// Cuts, once, the first connection on which these bytes come, where they begin. What stands before them passes.
    func cut(before text: String, _ direction: Direction) {
        state.withLock { $0.trap = (direction, Array(text.utf8)) }
    }

    /// Lets in who connects, or not. Returns when that is so.
    ///
    /// - Throws: where somebody else has taken the port meanwhile.
    func turn(_ door: Door) throws {
        let shouldListen: Bool = state.withLock { state in
            let wasShut = state.door == .shut
            state.door = door
            if door == .shut, state.listener >= 0 {
                // Wakes who accepts, which closes it; who connects from now on is refused.
                shutdown(state.listener, Int32(SHUT_RDWR))
                state.listener = -1
            }
            return wasShut && door != .shut && !state.isOver
        }
        if shouldListen { try listen() }
    }

    // MARK: What it has seen

    var cutCount: Int { state.withLock { $0.cutCount } }
    var swallowedBytes: Int { state.withLock { $0.swallowedBytes } }

    func count(of kind: Kind) -> Int { state.withLock { $0.connections.values.count { $0.kind == kind } } }

    // MARK: For connections

    func noteCut() { state.withLock { $0.cutCount += 1 } }
    func noteSwallowed(_ count: Int) { state.withLock { $0.swallowedBytes += count } }

    /// Where a connection is to be cut in this piece; that is done once.
    func takeTrap(in piece: ArraySlice<UInt8>, _ direction: Direction) -> Int? {
        state.withLock { state in
            guard let trap = state.trap, trap.direction == direction, let place = piece.firstRange(of: trap.bytes)
            else { return nil }
            state.trap = nil
            return place.lowerBound
        }
    }

    func forget(_ number: UInt64) { state.withLock { $0.connections[number] = nil } }

    // MARK: Accepting

    private func listen() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let isBound = ChaosConnection.withLoopback(port) { Foundation.bind(listener, $0, $1) } == 0
        guard isBound, Foundation.listen(listener, 128) == 0 else {
            close(listener)
            throw RawSocket.Failure(description: "port \(port) is taken")
        }
        state.withLock { $0.listener = listener }
        start { [self] in
            while true {
                let client = clinux_accept(listener)  // children must not inherit it: they would hold it open
                if client >= 0 {
                    connect(client)
                } else if errno != EINTR, errno != ECONNABORTED {
                    break
                }
            }
            close(listener)
        }
    }

    private func connect(_ client: Int32) {
        let number: UInt64? = state.withLock { state in
            guard state.door == .open, !state.isOver else { return nil }
            state.connectionsCount += 1
            return state.connectionsCount
        }
        guard let number, let connection = ChaosConnection(number, from: client, toRedisAt: redisPort, of: self) else {
            close(client)
            return
        }
        state.withLock { $0.connections[number] = connection }
        for direction in Direction.allCases { start { connection.pump(direction) } }
        // It may have ended meanwhile.
        if state.withLock({ $0.isOver }) { connection.end(byReset: false) }
    }

    private func start(_ body: @escaping @Sendable () -> Void) {
        threads.enter()
        Thread.detachNewThread { [threads] in
            body()
            threads.leave()
        }
    }

    private func end() async {
        state.withLock { $0.isOver = true }
        try? turn(.shut)
        for connection in state.withLock({ Array($0.connections.values) }) { connection.end(byReset: false) }
        await withCheckedContinuation { continuation in
            threads.notify(queue: .global()) { continuation.resume() }
        }
    }
}

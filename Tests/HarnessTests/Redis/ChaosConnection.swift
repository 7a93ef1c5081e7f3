import Foundation
import Synchronization

@testable import ChannelsReference

/// One connection through a `ChaosProxy`, from Laurel to Redis. Two threads pump, each in one direction, a buffer at a time: who does not
/// read holds up who writes, as a network would.
///
/// They wait in `poll` only, which also hears of the end: it is told by closing one end of a pipe. The last one closes the sockets:
/// Redis's first, and Laurel's when Redis has done what it got. Otherwise that may be done after what clients do next, who were
/// told that nobody knows whether it will be: they may not complain of the order then, and no checker could.
final class ChaosConnection: Sendable {
    private let number: UInt64
    private let proxy: ChaosProxy
    private let laurel: Int32
    private let redis: Int32
    private let endHeard: Int32
    private let endTold: Int32
    private let state = Mutex(State())

    private struct State {
        var kind = ChaosProxy.Kind.calls
        /// How it ended.
        var isReset: Bool?
        var threadsCount = 2
    }

    /// A subscription comes within so many bytes, or not at all.
    private static let beginningBytesMax = 4096
    private static let bufferBytes = 16_384

    /// Connects to Redis; nil where it is not there. Owns `laurel` only where it succeeds.
    init?(_ number: UInt64, from laurel: Int32, toRedisAt port: UInt16, of proxy: ChaosProxy) {
        let redis = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var ends: [Int32] = [-1, -1]
        guard Self.withLoopback(port, { connect(redis, $0, $1) }) == 0,
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        else {
            close(redis)
            return nil
        }
        var one: Int32 = 1
        for socket in [laurel, redis] {
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        self.number = number
        self.proxy = proxy
        self.laurel = laurel
        self.redis = redis
        (endHeard, endTold) = (ends[0], ends[1])
    }

    static func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    var kind: ChaosProxy.Kind { state.withLock { $0.kind } }

    /// Ends it, for both sides: with a reset, or orderly, where all was read. Any number of times; false where it had ended.
    @discardableResult
    func end(byReset isReset: Bool) -> Bool {
        state.withLock { state in
            guard state.isReset == nil else { return false }
            state.isReset = isReset
            shutdown(endTold, Int32(SHUT_RDWR))
            return true
        }
    }

    // MARK: One direction

    /// Runs until the connection ends, or until nothing can come or go in this direction any more.
    func pump(_ direction: ChaosProxy.Direction) {
        let (source, target) = direction == .toRedis ? (laurel, redis) : (redis, laurel)
        var random = SplitMix(state: proxy.seed &+ number &* 2 &+ (direction == .toRedis ? 0 : 1))
        // So that neighbours have nothing in common.
        random.state = UInt64(random.below(.max))
        var buffer = [UInt8](repeating: 0, count: Self.bufferBytes)
        var beginning: [UInt8] = []
        var lifeBytes: Int?
        var hasHole = false
        defer { threadEnded() }
        while wait(for: POLLIN, on: source) {
            let count = recv(source, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            var piece = buffer[..<max(0, count)]
            if direction == .toRedis, beginning.count < Self.beginningBytesMax {
                beginning += piece
                if beginning.firstRange(of: Array("SUBSCRIBE".utf8)) != nil { state.withLock { $0.kind = .bells } }
            }
            let behaviour = proxy.behaviour(of: kind)
            hasHole = hasHole || behaviour.swallowed.contains(direction)
            guard count > 0 else {
                // Of who has vanished nobody hears that it ends.
                if !hasHole { end(byReset: count < 0) }
                return
            }
            if hasHole {
                proxy.noteSwallowed(count)
                continue
            }
            if let delay = behaviour.delays[direction], !pause(delay) { return }
            lifeBytes = behaviour.lifeBytesMax.map { lifeBytes ?? 1 + random.below($0) }
            let cutPlace =
                behaviour.refuses
                ? 0 : proxy.takeTrap(in: piece, direction) ?? lifeBytes.flatMap { $0 <= count ? $0 : nil }
            if let cutPlace { piece = piece[..<cutPlace] }
            lifeBytes = lifeBytes.map { $0 - count }
            while !piece.isEmpty {
                let part = piece.prefix(behaviour.pieceBytesMax.map { 1 + random.below($0) } ?? piece.count)
                guard write(part, to: target) else { return }
                piece = piece.dropFirst(part.count)
            }
            if cutPlace != nil {
                if end(byReset: random.chance(1, in: 2)) { proxy.noteCut() }
                return
            }
        }
    }

    private func write(_ piece: ArraySlice<UInt8>, to target: Int32) -> Bool {
        var rest = piece
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard wait(for: POLLOUT, on: target) else { return false }
            } else if errno != EINTR {
                end(byReset: true)
                return false
            }
        }
        return true
    }

    /// False at the connection's end.
    private func wait(for events: Int32, on socket: Int32, milliseconds: Int32 = -1) -> Bool {
        var files = [
            pollfd(fd: endHeard, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(events), revents: 0),
        ]
        while poll(&files, 2, milliseconds) < 0, errno == EINTR {}
        return files[0].revents == 0
    }

    private func pause(_ delay: Duration) -> Bool {
        wait(for: 0, on: -1, milliseconds: Int32(delay / .milliseconds(1)))
    }

    private func threadEnded() {
        let isReset: Bool? = state.withLock { state in
            state.threadsCount -= 1
            return state.threadsCount == 0 ? state.isReset ?? false : nil
        }
        guard let isReset else { return }
        awaitEndOfRedis()
        if isReset {
            var immediately = linger(l_onoff: 1, l_linger: 0)
            setsockopt(laurel, SOL_SOCKET, SO_LINGER, &immediately, socklen_t(MemoryLayout<linger>.size))
        }
        // First the number, then the descriptors: `end` must not meet those of others.
        proxy.forget(number)
        state.withLock { $0.isReset = isReset }
        for file in [laurel, redis, endHeard, endTold] { close(file) }
    }

    /// It closes its side once it has done all that came before the end of ours; a second at most, as it may be frozen.
    private func awaitEndOfRedis() {
        shutdown(redis, Int32(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: Self.bufferBytes)
        var file = pollfd(fd: redis, events: Int16(POLLIN), revents: 0)
        while poll(&file, 1, 1000) > 0, recv(redis, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
    }
}

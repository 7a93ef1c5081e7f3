import HTTPCore
import Reactor

/// Reads requests from a socket: heads, and contents into the array in which they stay.
///
/// It holds no buffer while it waits. Bytes are read into the loop's buffer and parsed there; what stands behind the
/// request, because the client pipelines, is kept in `unread`, at most ``bytesAtOnceMax`` of it.
final class RequestReader {
    /// What one read for a head may take in. A head and a small content arrive in one read; of a large content, what is not
    /// here yet is read straight to where it stays.
    static let bytesAtOnceMax = 16_384

    /// What the reader is doing; a drain treats an idle connection and an arriving request differently.
    enum Phase {
        /// Between two requests.
        case idle
        /// A request is arriving.
        case arriving
        /// Not reading.
        case away
    }

    enum HeadEnd {
        case head(RequestHead)
        case rejected(HTTPRejection, head: RequestHead?)
        /// The client left, or was idle for too long, or the server drains: nobody is to be answered.
        case ended
    }

    let socket: Socket
    let worker: ServerWorker
    private var parser: RequestParser
    /// Read, but not parsed yet, from `unreadStart` on.
    private var unread: [UInt8] = []
    private var unreadStart = 0
    private(set) var phase = Phase.away

    init(socket: Socket, worker: ServerWorker) {
        self.socket = socket
        self.worker = worker
        parser = RequestParser(limits: worker.settings.limits)
    }

    var settings: HTTPServerSettings { worker.settings }
    var now: ContinuousClock.Instant { worker.loop.now }

    /// Bytes of the client are at hand that no request has taken yet.
    var hasUnread: Bool { unreadStart < unread.count }

    // MARK: Head

    /// Reads the next head, however long that takes within the time-outs.
    func readHead() async -> HeadEnd {
        defer { phase = .away }
        var deadline: ContinuousClock.Instant?  // of this head; nil before its first byte
        var hasLookedOnceMore = false
        while true {
            switch parseNext() {
            case .head(let head): return .head(head)
            case .rejected(let rejection, let head): return .rejected(rejection, head: head)
            case .ended: return .ended
            case .needsMore: continue
            case .nothingYet: break
            }
            phase = parser.isIdle ? .idle : .arriving
            if phase == .idle, worker.isDraining {
                // What the client has sent before it could know must be seen, though the loop may not have heard of it yet.
                if hasLookedOnceMore { return .ended }
                hasLookedOnceMore = true
                socket.assumeReadable()
                continue
            }
            if phase == .arriving, deadline == nil { deadline = now + settings.headTimeout }
            switch await socket.wait(for: .readable, until: deadline ?? now + settings.idleTimeout) {
            case .ready: continue
            case .timedOut: return phase == .idle ? .ended : .rejected(.requestTimeout, head: nil)
            case .interrupted:
                socket.clearInterruption()
                if phase == .arriving { return .rejected(.shuttingDown, head: nil) }
            }
        }
    }

    private enum ParseStep {
        case head(RequestHead)
        case rejected(HTTPRejection, head: RequestHead?)
        case needsMore
        case nothingYet
        case ended
    }

    /// Parses what is at hand, else what one read brings.
    private func parseNext() -> ParseStep {
        if hasUnread {
            var step = ParseStep.needsMore
            takeUnread { piece in
                switch parser.parse(piece) {
                case .needsMore: break
                case .rejected(let rejection, let head): step = .rejected(rejection, head: head)
                case .head(let head, let consumed):
                    step = .head(head)
                    return consumed
                }
                return piece.count
            }
            return step
        }
        return worker.loop.withReadBuffer { buffer in
            let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.bytesAtOnceMax])
            guard let end = try? socket.read(into: buffer) else { return .ended }
            guard case .bytes(let count) = end else {
                if case .end = end { return .ended }
                return .nothingYet
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            switch parser.parse(piece) {
            case .needsMore: return .needsMore
            case .rejected(let rejection, let head): return .rejected(rejection, head: head)
            case .head(let head, let consumed):
                if consumed < count { keep(UnsafeRawBufferPointer(rebasing: piece[consumed...])) }
                return .head(head)
            }
        }
    }

    /// Keeps bytes that were read beyond what was asked for.
    func keep(_ bytes: UnsafeRawBufferPointer) {
        unread.append(contentsOf: bytes)
    }

    func forgetUnread() {
        unread = []
        unreadStart = 0
    }

    /// Lends what is at hand and forgets as much of it as `body` says it took.
    func takeUnread(_ body: (UnsafeRawBufferPointer) -> Int) {
        guard hasUnread else { return }
        unreadStart += unread.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[unreadStart...])) }
        if !hasUnread { forgetUnread() }
    }

    /// Waits for bytes of a content that started to arrive at `start`.
    func waitForContent(since start: ContinuousClock.Instant, bytesArrived: Int) async -> Socket.WaitEnd {
        phase = .arriving
        defer { phase = .away }
        let onAverage =
            start + settings.contentTimeout
            + .seconds(bytesArrived / max(1, settings.contentBytesPerSecondMin))
        return await socket.wait(for: .readable, until: min(now + settings.contentTimeout, onAverage))
    }
}

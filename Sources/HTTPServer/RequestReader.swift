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
    private static let unreadBytesKept = 256

    /// What the reader is doing; a drain treats an idle connection and an arriving request differently.
    enum Phase {
        /// Between two requests.
        case idle
        /// A request is arriving.
        case arriving
        /// Not reading.
        case away
    }

    enum HeadStep {
        case head(RequestHead)
        case rejected(HTTPRejection, head: RequestHead?)
        /// The client left, or was idle for too long, or the server drains: nobody is to be answered.
        case ended
        /// Wait until the socket is readable, then read on.
        case blocked(until: ContinuousClock.Instant)
    }

    let socket: Socket
    let worker: ServerWorker
    private var parser: RequestParser
    /// Read, but not parsed yet, from `unreadStart` on.
    private var unread: [UInt8] = []
    private var unreadStart = 0
    private(set) var phase = Phase.away
    /// When the head that is arriving must be here; nil before its first byte.
    private var headDeadline: ContinuousClock.Instant?
    /// While the server drains: what the client had sent before it could know was looked for.
    private var hasLookedOnceMore = false

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

    /// Reads the next head, as far as that goes without waiting.
    ///
    /// - Parameter lastWait: How the wait ended that the last step asked for; `.ready` at the first.
    func readHead(after lastWait: Socket.WaitEnd) -> HeadStep {
        let wasIdle = phase == .idle
        phase = .away
        switch lastWait {
        case .ready: break
        case .timedOut:
            if wasIdle { return .ended }
            let rejection = parser.lateRejection ?? .requestTimeout
            return .rejected(rejection, head: parser.takeIncompleteHead())
        case .interrupted:
            if !wasIdle { return .rejected(.shuttingDown, head: parser.takeIncompleteHead()) }
        }
        while true {
            if let step = hasUnread ? parseUnread() : readAndParse() {
                headDeadline = nil
                return step
            }
            if socket.mayBeReadable { continue }
            if !parser.isIdle {
                if worker.refusesArrivals { return .rejected(.shuttingDown, head: parser.takeIncompleteHead()) }
                let deadline = headDeadline ?? now + settings.headTimeout
                headDeadline = deadline
                phase = .arriving
                return .blocked(until: deadline)
            }
            if worker.isDraining {
                if hasLookedOnceMore { return .ended }
                // The loop may not have heard yet of what is there.
                hasLookedOnceMore = true
                socket.assumeReadable()
                continue
            }
            phase = .idle
            return .blocked(until: now + settings.idleTimeout)
        }
    }

    /// Nil: more is needed.
    private func parseUnread() -> HeadStep? {
        var step: HeadStep?
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

    /// One read. Nil: more is needed.
    private func readAndParse() -> HeadStep? {
        let buffer = UnsafeMutableRawBufferPointer(rebasing: worker.loop.readBuffer[..<Self.bytesAtOnceMax])
        let count: Int
        do {
            switch try socket.read(into: buffer) {
            case .bytes(let read): count = read
            case .nothingYet: return nil
            case .end: return .ended
            }
        } catch {
            return .ended
        }
        let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        switch parser.parse(piece) {
        case .needsMore: return nil
        case .rejected(let rejection, let head): return .rejected(rejection, head: head)
        case .head(let head, let consumed):
            if consumed < count { keep(UnsafeRawBufferPointer(rebasing: piece[consumed...])) }
            return .head(head)
        }
    }

    /// Keeps bytes that were read beyond what was asked for.
    func keep(_ bytes: UnsafeRawBufferPointer) {
        unread.append(contentsOf: bytes)
    }

    /// A small buffer is kept for the next request, as each content that comes along with its head passes through it.
    private func forgetUnread() {
        if unread.capacity <= Self.unreadBytesKept {
            unread.removeAll(keepingCapacity: true)
        } else {
            unread = []
        }
        unreadStart = 0
    }

    /// Lends what is at hand and forgets as much of it as `body` says it took.
    func takeUnread(_ body: (UnsafeRawBufferPointer) -> Int) {
        guard hasUnread else { return }
        unreadStart += unread.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[unreadStart...])) }
        if !hasUnread { forgetUnread() }
    }

    /// The next `count` bytes if all of them are at hand: a content that came along with its head.
    func takeUnread(count: Int) -> [UInt8]? {
        guard unread.count - unreadStart >= count else { return nil }
        let bytes = Array(unread[unreadStart..<unreadStart + count])
        unreadStart += count
        if !hasUnread { forgetUnread() }
        return bytes
    }

    /// Waits for bytes of a content that started to arrive at `start`.
    nonisolated(nonsending) func waitForContent(since start: ContinuousClock.Instant, bytesArrived: Int) async
        -> Socket.WaitEnd
    {
        if worker.refusesArrivals { return .interrupted }
        phase = .arriving
        defer { phase = .away }
        let deadline = settings.contentDeadline(since: start, now: now, bytesArrived: bytesArrived)
        return await socket.wait(for: .readable, until: deadline)
    }
}

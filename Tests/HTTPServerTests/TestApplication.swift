import HTTPCore
import Synchronization

/// A small application for the server's tests. The path picks what it does; everything that a test may want to know stands
/// in `journal`.
struct TestApplication: HTTPApplication {
    let journal = Journal()
    let gate = Gate()
    /// Whether answers, and waits, come about without a task where they can.
    var answersAtOnce = true

    enum Kind: Sendable {
        /// Answers with the content.
        case echo
        /// Waits, as a receive does, until it is cancelled or the gate opens; so many milliseconds, given as the query.
        case wait(milliseconds: Int)
        /// The same, but it lets nobody cancel it.
        case stuck
        /// Suspends without `isWaiting` until the gate opens.
        case slow
        /// Waits for the gate without a task, whatever the client does, and whether the server drains.
        case deferred
        /// Answers with so many bytes, given as the query, of one piece.
        case large(byteCount: Int)
        /// The same, of something that has been done and cannot be undone.
        case final(byteCount: Int)
        /// An envelope around a large piece, twice.
        case pieces(byteCount: Int)
        /// Encoded while it is written.
        case encoded(byteCount: Int)
        case notFound
    }

    func admit(_ head: RequestHead) -> Admission {
        let path = String(decoding: head.path, as: UTF8.self)
        let number = Int(String(decoding: head.query, as: UTF8.self)) ?? 0
        journal.note("admit \(path)")
        func admitted(_ kind: Kind, contentBytesMax: Int = 100) -> Admission {
            .admitted(Call(kind: kind, application: self), contentBytesMax: contentBytesMax)
        }
        return switch path {
        case "/echo": admitted(.echo, contentBytesMax: 1_000_000)
        case "/big": admitted(.echo, contentBytesMax: 64_000_000)
        case "/wait": admitted(.wait(milliseconds: number == 0 ? 1_000_000 : number))
        case "/stuck": admitted(.stuck)
        case "/slow": admitted(.slow)
        case "/deferred": admitted(.deferred)
        case "/large": admitted(.large(byteCount: number))
        case "/final": admitted(.final(byteCount: number))
        case "/pieces": admitted(.pieces(byteCount: number))
        case "/encoded": admitted(.encoded(byteCount: number))
        case "/forbidden": .refused(HTTPResponse(status: 403, content: .bytes(Array("no".utf8))))
        default: admitted(.notFound)
        }
    }

    struct Call: HTTPCall {
        let kind: Kind
        let application: TestApplication

        func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) -> PromptAnswer {
            guard application.answersAtOnce else { return .needsTask }
            switch kind {
            case .wait(let milliseconds):
                application.journal.note("waiting")
                return .waits(GateWait(application, for: .milliseconds(milliseconds), exchange: exchange))
            case .stuck:
                application.journal.note("waiting")
                return .waits(GateWait(application, for: .seconds(1000), endsOnDemand: false, exchange: exchange))
            case .deferred:
                application.journal.note("waiting")
                return .waits(
                    GateWait(application, for: .seconds(1000), endsWithClient: false, exchange: exchange))
            case .slow: return .needsTask
            default: return .response(application.response(kind, content))
            }
        }

        func respond(to content: [UInt8], exchange: any HTTPExchange) async -> HTTPResponse {
            let (journal, gate) = (application.journal, application.gate)
            switch kind {
            case .wait, .stuck:
                exchange.isWaiting = true
                journal.note("waiting")
                let isOpen = await gate.waitUntilOpen()
                exchange.isWaiting = false
                return application.response(after: isOpen)
            case .slow:
                journal.note("slow")
                _ = await gate.waitUntilOpen(ignoringCancellation: true)
            default: break
            }
            return application.response(kind, content)
        }
    }

    /// What a wait answers.
    fileprivate func response(after isOpen: Bool) -> HTTPResponse {
        var response = response(.stuck, [])
        if !isOpen {
            journal.note("cancelled")
            response.status = 503
        }
        return response
    }

    private func response(_ kind: Kind, _ content: [UInt8]) -> HTTPResponse {
        var response = HTTPResponse(status: 200)
        switch kind {
        case .echo: response.content = .bytes(content)
        case .wait, .stuck, .deferred: response.content = .bytes(Array("waited".utf8))
        case .slow: response.content = .bytes(Array("slow".utf8))
        case .large(let byteCount): response.content = .bytes(Self.pattern(byteCount))
        case .final(let byteCount): return HTTPResponse(status: 200, content: .bytes(Self.pattern(byteCount)))
        case .pieces(let byteCount):
            let large = ContentPiece.bytes(Self.pattern(byteCount))
            response.content = .pieces([
                .bytes(Array("<".utf8)), large, .bytes(Array("|".utf8)), large, .bytes(Array(">".utf8)),
            ])
        case .encoded(let byteCount):
            response.content = .pieces([
                .bytes(Array("<".utf8)), .encoded(PatternEncoder(byteCount: byteCount)), .bytes(Array(">".utf8)),
            ])
        case .notFound: response.status = 404
        }
        response.onBegun = { [journal] in journal.note("begun") }
        response.onUnsent = { [journal] in journal.note("unsent") }
        return response
    }

    func respond(to rejection: HTTPRejection, head: RequestHead?) -> HTTPResponse {
        journal.note("reject \(rejection.status)")
        return HTTPResponse(status: rejection.status, content: .bytes(Array("\(rejection)".utf8)))
    }

    func respond(to rejection: HTTPRejection, insteadOf response: HTTPResponse) -> HTTPResponse {
        respond(to: rejection, head: nil)
    }

    /// Bytes of which each place is recognisable: blocks of a prime length, so that no power of two hides a shift.
    static func pattern(_ byteCount: Int, from start: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        while bytes.count < byteCount {
            let offset = (start + bytes.count) % block.count
            bytes.append(contentsOf: block[offset...].prefix(byteCount - bytes.count))
        }
        return bytes
    }

    private static let block = (0..<8191).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
}

private struct PatternEncoder: ContentEncoder {
    let source: [UInt8]
    private var start = 0
    var byteCount: Int { source.count }

    init(byteCount: Int) {
        source = TestApplication.pattern(byteCount)
    }

    mutating func encode(into buffer: inout [UInt8], bytesMax: Int) {
        precondition(bytesMax <= 65_536, "Encoded too far ahead")
        let count = min(bytesMax, byteCount - start)
        buffer.append(contentsOf: source[start..<start + count])
        start += count
    }
}

/// A wait without a task, until the gate opens.
private final class GateWait: HTTPWait {
    private let application: TestApplication
    private let isOpen = Mutex(false)
    private let isTimedOut = Mutex(false)
    private let key: Int
    private let endsOnDemand: Bool
    let endsWithClient: Bool
    let deadline: ContinuousClock.Instant

    init(
        _ application: TestApplication, for duration: Duration, endsOnDemand: Bool = true, endsWithClient: Bool = true,
        exchange: any HTTPExchange
    ) {
        self.application = application
        self.endsOnDemand = endsOnDemand
        self.endsWithClient = endsWithClient
        deadline = .now + duration
        key = application.gate.makeKey()
        application.gate.wait(key) { [self] isOpen in
            self.isOpen.withLock { $0 = isOpen }
            exchange.waitEnded()
        }
    }

    func end(_ cause: WaitEndCause) {
        if cause == .timeLimit { isTimedOut.withLock { $0 = true } }
        if endsOnDemand { application.gate.cancel(key) }
    }

    func response() -> HTTPResponse {
        if isTimedOut.withLock({ $0 }) { return HTTPResponse(status: 204) }
        return application.response(after: isOpen.withLock { $0 })
    }
}

/// Closed until a test opens it.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var nextKey = 0
        var waits: [Int: @Sendable (Bool) -> Void] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    func open() {
        state.withLock { $0.isOpen = true }
        openOnce()
    }

    /// Lets those through who wait by now.
    func openOnce() {
        let waits = state.withLock { state in
            defer { state.waits = [:] }
            return state.waits
        }
        for passed in waits.values { passed(true) }
    }

    func makeKey() -> Int {
        state.withLock { state in
            state.nextKey += 1
            return state.nextKey
        }
    }

    /// Calls `ended` once: with true when the gate is open, with false where the wait was cancelled before.
    func wait(_ key: Int, _ ended: @escaping @Sendable (Bool) -> Void) {
        let end: Bool? = state.withLock { state in
            if state.isOpen { return true }
            if state.cancelled.remove(key) != nil { return false }
            state.waits[key] = ended
            return nil
        }
        if let end { ended(end) }
    }

    func cancel(_ key: Int) {
        let ended = state.withLock { state in
            let ended = state.waits.removeValue(forKey: key)
            if ended == nil { state.cancelled.insert(key) }
            return ended
        }
        ended?(false)
    }

    /// False where the task was cancelled before.
    func waitUntilOpen(ignoringCancellation: Bool = false) async -> Bool {
        let key = makeKey()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(key) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            if !ignoringCancellation { cancel(key) }
        }
    }
}

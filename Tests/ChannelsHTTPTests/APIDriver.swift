import Channels
import ChannelsHTTP
import ChannelsMemory
import ChannelsTesting
import HTTPCore
import Synchronization
import Testing

/// The API in process: requests go through the real parser, `admit` and `respond`, answers are held against the contract.
final class APIDriver: Sendable {
    let clock: ManualClock
    let application: ChannelsApplication
    let errors: ErrorLog

    /// - Parameter layers: The layer's backends; by default one `default` and one `jobs`, both in memory.
    init(
        layers: [String: any ChannelBackend] = [:], clock: ManualClock = ManualClock(),
        layerSettings: LayerSettings = LayerSettings(), change: (inout APISettings) -> Void = { _ in }
    ) async {
        self.clock = clock
        let errors = ErrorLog()
        self.errors = errors
        var settings = APISettings(version: "1.2.3", clock: clock) { errors.add(($0, $1)) }
        settings.openAPIDocument = Array(Contract.shared.text.utf8)
        change(&settings)
        var registry = BackendRegistry()
        registry.register("memory", makeBackend: MemoryBackend.make)
        registry.register("test") { layers[$0.layer]! }
        do {
            for name in layers.isEmpty ? ["default", "jobs"] : layers.keys.sorted() {
                let url = layers.isEmpty ? "memory:" : "test:"
                try await registry.open(layer: name, url: url, defaults: layerSettings, clock: clock)
            }
        } catch {
            preconditionFailure("\(error)")
        }
        application = ChannelsApplication(registry: registry, settings: settings)
    }

    /// Sends a request and holds the answer against the contract.
    func request(
        _ method: String, _ target: String, _ fields: [(String, String)] = [], body: [UInt8]? = nil,
        exchange: TestExchange = TestExchange(), checksContent: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async -> Answer {
        let head = Self.head(method, target, fields, bodyBytes: body?.count)
        let response: HTTPResponse
        switch application.admit(head) {
        case .refused(let refusal):
            response = refusal
        case .admitted(let call, let contentBytesMax):
            #expect(body?.count ?? 0 <= contentBytesMax, sourceLocation: sourceLocation)
            // The server's way: at once where that can be, else in a task.
            let content = body ?? []
            switch call.answerAtOnce(to: content, exchange: exchange) {
            case .response(let atOnce): response = atOnce
            case .waits(let wait): response = await exchange.response(after: wait, clock)
            case .needsTask: response = await call.respond(to: content, exchange: exchange)
            }
        }
        let answer = Answer(response)
        let path = String(target.prefix { $0 != "?" })
        let violations = Contract.shared.violations(
            method: method, path: path, answer: answer, checksContent: checksContent)
        #expect(violations.isEmpty, sourceLocation: sourceLocation)
        return answer
    }

    func request(
        _ method: String, _ target: String, _ fields: [(String, String)] = [], body: String,
        checksContent: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) async -> Answer {
        await request(
            method, target, fields, body: Array(body.utf8), checksContent: checksContent, sourceLocation: sourceLocation
        )
    }

    /// A head as the real parser makes it.
    static func head(
        _ method: String, _ target: String, _ fields: [(String, String)] = [], bodyBytes: Int? = nil
    ) -> RequestHead {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if !fields.contains(where: { $0.0 == "Host" }) { text += "Host: localhost:8080\r\n" }
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        if let bodyBytes { text += "Content-Length: \(bodyBytes)\r\n" }
        text += "\r\n"
        // What the API allows, in names and numbers, is more than the target of a default server holds.
        var limits = HTTPLimits()
        limits.headBytesMax = 1 << 20
        limits.targetBytesMax = 1 << 20
        var parser = RequestParser(limits: limits)
        let progress = Array(text.utf8).withUnsafeBytes { parser.parse($0) }
        guard case .head(let head, _) = progress else { preconditionFailure("\(progress) for \(text)") }
        return head
    }

    /// Comes back once `count` receivers wait in the layer.
    func untilWaiting(_ count: Int) async {
        while await request("GET", "/stats").json["waiting"] != .integer(count) { await Task.yield() }
    }
}

/// An answer with its content made.
struct Answer: Sendable {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]
    let response: HTTPResponse

    init(_ response: HTTPResponse) {
        self.response = response
        status = response.status
        fields = response.allFields
        body = response.content.made
    }

    /// The value of a field, by its name in any case.
    subscript(name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: Tree { (try? Tree(json: body)) ?? .null }
    /// `/problems/…` without the beginning; nil where it is no problem.
    var problem: String? {
        json["type"]?.string.flatMap { $0.hasPrefix("/problems/") ? String($0.dropFirst(10)) : nil }
    }
}

extension HTTPContent {
    /// All bytes, made step by step as a server does.
    var made: [UInt8] {
        let bytes: [UInt8]
        switch self {
        case .none: bytes = []
        case .bytes(let all): bytes = all
        case .pieces(let pieces): bytes = pieces.flatMap(\.made)
        }
        precondition(bytes.count == byteCount, "the length was not known beforehand")
        return bytes
    }
}

extension ContentPiece {
    fileprivate var made: [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .encoded(var encoder): return encoder.allBytes(step: 64 << 10)
        }
    }
}

extension ContentEncoder {
    mutating func allBytes(step: Int) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let before = all.count
            encode(into: &all, bytesMax: step)
            precondition(all.count - before <= step, "more than was asked for")
            if all.count == before { return all }
        }
    }
}

final class TestExchange: HTTPExchange {
    private let waits = Mutex<[Bool]>([])
    private let end = AsyncStream.makeStream(of: Void.self)
    let requestID = "request-1"

    var isWaiting: Bool {
        get { waits.withLock { $0.last ?? false } }
        set { waits.withLock { $0.append(newValue) } }
    }

    /// All that `isWaiting` was set to.
    var history: [Bool] { waits.withLock { $0 } }

    func waitEnded() {
        end.continuation.yield()
    }

    /// The server's way with a wait without a task, but that it is a task's.
    func response(after wait: any HTTPWait, _ clock: ManualClock) async -> HTTPResponse {
        isWaiting = wait.endsWithClient
        let timeLimit = clock.schedule(at: wait.deadline) { wait.end(.timeLimit) }
        defer { timeLimit.cancel() }
        await withTaskCancellationHandler {
            var ends = end.stream.makeAsyncIterator()
            // Not the task's own cancellation: what counts is that the wait has ended.
            await Task { await ends.next() }.value
        } onCancel: {
            wait.end(.cancellation)
        }
        isWaiting = false
        return wait.response()
    }
}

/// What the API told of errors that no client may see.
final class ErrorLog: Sendable {
    private let entries = Mutex<[String]>([])

    func add(_ entry: (error: any Error, requestID: String?)) {
        entries.withLock { $0.append("\(entry.requestID ?? "-"): \(entry.error)") }
    }

    var all: [String] { entries.withLock { $0 } }
}

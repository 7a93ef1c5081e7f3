import Channels
import ChannelsHTTP
import ChannelsMemory
import HTTPCore

/// A connection without its socket: what the server does for a request between reading and writing, step by step.
// SAFETY: everything runs on the main thread.
final class BareConnection: HTTPExchange, @unchecked Sendable {
    var isWaiting = false
    private(set) var requestID = ""
    private let application: ChannelsApplication
    private var parser = RequestParser()
    private var lastRequestNumber: UInt64 = 1 << 40
    private let date = HTTPDate.bytes(secondsSince1970: 1_750_000_000)
    /// Goes from answer to answer.
    private var staging: [UInt8] = []

    /// To an API of its own, over an empty memory backend.
    init() {
        let backend = Workload.makeBackend()
        // SAFETY: the one task that changes it has ended when `run` returns.
        nonisolated(unsafe) var registry = BackendRegistry()
        registry.register("memory") { _ in backend }
        ManualExecutor().run {
            try await registry.open(
                layer: "default", url: "memory:", defaults: Workload.settings, clock: StillClock())
        }
        application = ChannelsApplication(
            registry: registry, settings: APISettings(version: "1.0.0", clock: StillClock()))
    }

    /// All of it, for a request that came in one piece.
    func serve(_ request: [UInt8]) {
        let (head, headBytes) = parse(request)
        let call = admit(head)
        let response = answer(call, to: Array(request[headBytes...]))
        serialize(response, to: head)
    }

    /// - Returns: The head, and how many bytes it has.
    func parse(_ request: [UInt8]) -> (RequestHead, Int) {
        let progress = request.withUnsafeBytes { parser.parse($0) }
        guard case .head(let head, let consumed) = progress else { preconditionFailure("a bad request: \(progress)") }
        return (head, consumed)
    }

    func admit(_ head: RequestHead) -> any HTTPCall {
        lastRequestNumber += 1
        requestID = RequestID.sent(in: head) ?? RequestID.make(from: lastRequestNumber)
        guard case .admitted(let call, _) = application.admit(head) else { preconditionFailure("a request is refused") }
        return call
    }

    func answer(_ call: any HTTPCall, to content: [UInt8]) -> HTTPResponse {
        guard case .response(let response) = call.answerAtOnce(to: content, exchange: self),
            response.status == 202 || response.status == 200
        else { preconditionFailure("another answer than expected") }
        return response
    }

    func waitEnded() { preconditionFailure("nothing waits here") }

    func serialize(_ response: HTTPResponse, to head: RequestHead) {
        let context = ResponseSerializer.Context(
            method: head.method, version: head.version, closesConnection: false, requestID: requestID, date: date)
        keep(ResponseSerializer.appendHead(of: response, in: context, to: &staging))
        keep(staging)
        staging.removeAll(keepingCapacity: true)
    }
}

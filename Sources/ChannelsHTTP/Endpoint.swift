package import Channels
import HTTPCore

/// One thing that the API does, for one request: made of the request's head, it answers once the content is there.
///
/// An endpoint checks in its `init` all that the head tells, so that a bad request is refused before its content is read.
protocol Endpoint: Sendable {
    /// What it does, to which layer and names.
    var intent: Intent { get }

    /// Answers, or begins to wait, where neither needs a task.
    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer

    /// Answers. What it throws becomes a problem: a ``Problem`` itself, a `ChannelError` by its code, anything else 500.
    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse
}

extension Endpoint {
    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer { .needsTask }
}

/// An endpoint of a layer.
protocol LayerEndpoint: Endpoint {
    init(_ request: borrowing RouteRequest) throws(Problem)
}

/// What becomes of a request without a task: as ``PromptAnswer``, before it is finished for the request's origin.
enum EndpointAnswer {
    case response(HTTPResponse)
    case waits(any EndpointWait)
    case needsTask
}

/// As ``HTTPWait``. What `response` throws becomes a problem, as what `respond` throws.
protocol EndpointWait: AnyObject, Sendable {
    var deadline: ContinuousClock.Instant { get }
    var endsWithClient: Bool { get }
    func end(_ cause: WaitEndCause)
    func response() throws -> HTTPResponse
}

extension EndpointWait {
    var endsWithClient: Bool { true }
}

/// What a request wants to do, for the one place that decides whether it may.
package struct Intent: Sendable, Equatable {
    package init(
        action: Action, layer: String? = nil, channels: [ChannelName] = [], groups: [GroupName] = []
    ) {
        self.action = action
        self.layer = layer
        self.channels = channels
        self.groups = groups
    }

    package enum Action: Sendable, Hashable {
        /// Nothing that belongs to a layer: who is here, health, the contract.
        case ask
        case send
        case receive
        /// To change who is in a group.
        case group
        case inspect
        /// To drop what others sent.
        case admin
    }

    package var action: Action
    /// Nil for what is not per layer.
    package var layer: String?
    /// Those that the head names. A batch, and a receive by POST, name theirs in the content.
    package var channels: [ChannelName] = []
    package var groups: [GroupName] = []
}

/// What an endpoint of a layer is made of. There is one a request, and no copy of it.
struct RouteRequest: ~Copyable {
    let head: RequestHead
    let service: Service
    /// The layer that the path is for.
    let layer: ServedLayer
    /// The path's parameters, percent-encoded as they came.
    let names: RouteParameters

    func channel(at position: Int) throws(Problem) -> ChannelName {
        try .checked(decoded(names[position]))
    }

    func group(at position: Int) throws(Problem) -> GroupName {
        try .checked(decoded(names[position]))
    }

    func query(_ known: Parameter...) throws(Problem) -> QueryReader {
        try QueryReader(head.query, known: known)
    }

    private func decoded(_ segment: ArraySlice<UInt8>) throws(Problem) -> String {
        guard let name = PercentEncoding.decodeSegment(segment) else {
            throw Problem(
                .invalidName, "A '%' in the path is not followed by two hexadecimal digits; write '%25' for it.")
        }
        return name
    }
}

extension HTTPResponse {
    /// 200 with JSON that may be another the next time.
    static func json(_ json: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: 200, commonFields: freshJSONFields, content: .bytes(json))
    }

    static let noContent = HTTPResponse(status: 204)

    static let jsonFields = FieldLines([("Content-Type", "application/json")])
    static let freshJSONFields = FieldLines(jsonFields.fields + [("Cache-Control", "no-store")])
}

import HTTPCore

/// Makes the call of a route out of a request's head.
struct Route: Sendable {
    /// - Throws: The problem for which the request is refused before its content is read.
    let makeCall:
        @Sendable (_ head: RequestHead, _ names: RouteParameters, _ finish: AnswerFinish) throws(Problem) ->
            any HTTPCall
}

/// All routes of the API.
enum Routes {
    /// What precedes the paths of a layer other than `default`.
    static let layerScope = "/layers/{layer}"

    static let table: [Router<Route>.Route] = [
        perServer(.get, "/") { AboutEndpoint(service: $0) },
        perServer(.get, "/openapi.yaml") { ContractEndpoint(service: $0) },
        perServer(.get, "/health/live") { _ in LivenessEndpoint() },
        perServer(.get, "/health/ready") { ReadinessEndpoint(service: $0) },

        perLayer(.post, "/channels", NewChannelEndpoint.self),
        perLayer(.post, "/channels/{channel}", SendEndpoint.self),
        perLayer(.get, "/channels/{channel}", ChannelStatusEndpoint.self),
        perLayer(.delete, "/channels/{channel}", PurgeEndpoint.self),
        // A HEAD must not take a message.
        perLayer(.get, "/receive", ReceiveEndpoint.self, allowsHead: false),
        perLayer(.post, "/receive", ReceiveEndpoint.self),
        perLayer(.put, "/groups/{group}/{channel}", GroupAddEndpoint.self),
        perLayer(.delete, "/groups/{group}/{channel}", GroupDiscardEndpoint.self),
        perLayer(.get, "/groups/{group}", GroupMembersEndpoint.self),
        perLayer(.post, "/groups/{group}", GroupSendEndpoint.self),
        perLayer(.delete, "/groups/{group}", GroupRemoveEndpoint.self),
        perLayer(.post, "/batch", BatchEndpoint.self),
        perLayer(.post, "/flush", FlushEndpoint.self),
        perLayer(.get, "/stats", StatsEndpoint.self),
    ]

    private static func perServer(
        _ method: HTTPMethod, _ pattern: String, make: @escaping @Sendable (Service) -> some Endpoint
    ) -> Router<Route>.Route {
        let route = Route { head, _, finish throws(Problem) in
            _ = try QueryReader(head.query, known: [])
            return ChannelsCall(endpoint: make(finish.service), finish: finish)
        }
        return .init(method, pattern, route)
    }

    private static func perLayer<Made: LayerEndpoint>(
        _ method: HTTPMethod, _ pattern: String, _: Made.Type, allowsHead: Bool = true
    ) -> Router<Route>.Route {
        let route = Route { head, names, finish throws(Problem) in
            let layer = try finish.service.layer(at: names.scope)
            let request = RouteRequest(head: head, service: finish.service, layer: layer, names: names)
            return ChannelsCall(endpoint: try Made(request), finish: finish)
        }
        return .init(method, pattern, route, isScoped: true, allowsHead: allowsHead)
    }
}

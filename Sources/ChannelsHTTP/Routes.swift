import HTTPCore

/// Makes the endpoint of a route out of a request's head.
struct Route: Sendable {
    /// - Throws: The problem for which the request is refused before its content is read.
    let makeEndpoint:
        @Sendable (_ service: Service, _ head: RequestHead, _ names: RouteParameters) throws(Problem) -> any Endpoint
}

/// All routes of the API.
enum Routes {
    /// What precedes the paths of a layer other than `default`.
    static let layerScope = "/layers/{layer}"

    static let table: [Router<Route>.Route] = [
        perServer(.get, "/") { service throws(Problem) in AboutEndpoint(service: service) },
        perServer(.get, "/openapi.yaml") { service throws(Problem) in ContractEndpoint(service: service) },
        perServer(.get, "/health/live") { _ throws(Problem) in LivenessEndpoint() },
        perServer(.get, "/health/ready") { service throws(Problem) in ReadinessEndpoint(service: service) },

        perLayer(.post, "/channels") { request throws(Problem) in try NewChannelEndpoint(request) },
        perLayer(.post, "/channels/{channel}") { request throws(Problem) in try SendEndpoint(request) },
        perLayer(.get, "/channels/{channel}") { request throws(Problem) in try ChannelStatusEndpoint(request) },
        perLayer(.delete, "/channels/{channel}") { request throws(Problem) in try PurgeEndpoint(request) },
        // A HEAD must not take a message.
        perLayer(.get, "/receive", allowsHead: false) { request throws(Problem) in try ReceiveEndpoint(request) },
        perLayer(.post, "/receive") { request throws(Problem) in try ReceiveEndpoint(request) },
        perLayer(.put, "/groups/{group}/{channel}") { request throws(Problem) in try GroupAddEndpoint(request) },
        perLayer(.delete, "/groups/{group}/{channel}") { request throws(Problem) in try GroupDiscardEndpoint(request) },
        perLayer(.get, "/groups/{group}") { request throws(Problem) in try GroupMembersEndpoint(request) },
        perLayer(.post, "/groups/{group}") { request throws(Problem) in try GroupSendEndpoint(request) },
        perLayer(.delete, "/groups/{group}") { request throws(Problem) in try GroupRemoveEndpoint(request) },
        perLayer(.post, "/batch") { request throws(Problem) in try BatchEndpoint(request) },
        perLayer(.post, "/flush") { request throws(Problem) in try FlushEndpoint(request) },
        perLayer(.get, "/stats") { request throws(Problem) in try StatsEndpoint(request) },
    ]

    private static func perServer(
        _ method: HTTPMethod, _ pattern: String,
        make: @escaping @Sendable (Service) throws(Problem) -> any Endpoint
    ) -> Router<Route>.Route {
        let route = Route { service, head, _ throws(Problem) in
            _ = try QueryReader(head.query, known: [])
            return try make(service)
        }
        return .init(method, pattern, route)
    }

    private static func perLayer(
        _ method: HTTPMethod, _ pattern: String, allowsHead: Bool = true,
        make: @escaping @Sendable (RouteRequest) throws(Problem) -> any Endpoint
    ) -> Router<Route>.Route {
        let route = Route { service, head, names throws(Problem) in
            let layer = try service.layer(at: names.scope)
            return try make(RouteRequest(head: head, service: service, layer: layer, names: names))
        }
        return .init(method, pattern, route, isScoped: true, allowsHead: allowsHead)
    }
}

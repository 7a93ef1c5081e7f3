/// Picks the endpoint for a method and a path. Works on the path's bytes as they came; paths are never normalised.
///
/// A pattern is literal segments and parameters: `/groups/{group}/{channel}`. A parameter takes one segment whatever is in
/// it (`%2F` is part of it, `..` too). A route that is scoped is served under the router's scope as well: with the scope
/// `/layers/{layer}`, `/receive` answers for `/layers/jobs/receive` too.
///
/// # How it works
/// The patterns form a tree, a segment an edge. After a node come either literals or a parameter, never both, so a lookup walks down once and never back: linear in the path's length, without an allocation.
package struct Router<Endpoint: Sendable>: Sendable {
    package struct Route {
        package var method: HTTPMethod
        package var pattern: String
        package var endpoint: Endpoint
        /// Served under the router's scope as well.
        package var isScoped: Bool
        /// HEAD is served where GET is, by the same endpoint, unless its route says no.
        package var allowsHead: Bool

        package init(
            _ method: HTTPMethod, _ pattern: String, _ endpoint: Endpoint, isScoped: Bool = false,
            allowsHead: Bool = true
        ) {
            self.method = method
            self.pattern = pattern
            self.endpoint = endpoint
            self.isScoped = isScoped
            self.allowsHead = allowsHead
        }
    }

    package enum Match {
        case found(Endpoint, RouteParameters)
        /// OPTIONS for a known path, or for `*`: 204 with these in `Allow`.
        case options(allowed: [HTTPMethod])
        /// 405 with these in `Allow`.
        case methodNotAllowed(allowed: [HTTPMethod])
        /// Nothing between two slashes, or after the last, where the named parameter belongs: 400.
        case emptySegment(parameter: String)
        /// 404
        case notFound
    }

    /// What stands at the end of one pattern.
    private struct Resource {
        var endpoints: [(method: HTTPMethod, endpoint: Endpoint)] = []
        /// For `Allow`, in the order of the routes; OPTIONS last.
        var allowed: [HTTPMethod] = []
    }

    private var tree = RouteTree()
    /// One a pattern; that of a scoped pattern stands twice in the tree.
    private var resources: [Resource] = []
    /// All methods of all routes: what `OPTIONS *` tells (RFC 9110 §9.3.7).
    private let allMethods: [HTTPMethod]

    /// - Parameter scope: A prefix with one parameter, `/layers/{layer}`; nil for none.
    package init(_ routes: [Route], scope: String? = nil) {
        var allMethods: [HTTPMethod] = []
        for route in routes {
            let resource = tree.resource(at: route.pattern) ?? resources.count
            if resource == resources.count {
                resources.append(Resource())
                tree.insert(route.pattern, resource: resource, isScoped: false)
            }
            if route.isScoped, let scope {
                tree.insert(scope + route.pattern, resource: resource, isScoped: true)
            }
            let methods = route.method == .get && route.allowsHead ? [.get, .head] : [route.method]
            for method in methods {
                precondition(!resources[resource].allowed.contains(method), "two routes for \(method) \(route.pattern)")
                resources[resource].endpoints.append((method, route.endpoint))
                resources[resource].allowed.append(method)
                if !allMethods.contains(method) { allMethods.append(method) }
            }
        }
        for index in resources.indices { resources[index].allowed.append(.options) }
        self.allMethods = allMethods + [.options]
    }

    /// - Parameter path: As in the request: it begins with `/`, or is `*`.
    package func lookup(_ method: HTTPMethod, path: ArraySlice<UInt8>) -> Match {
        guard path.first == UInt8(ascii: "/") else {
            return method == .options ? .options(allowed: allMethods) : .methodNotAllowed(allowed: [.options])
        }
        switch tree.walk(path) {
        case .end(let resource, let parameters):
            for (candidate, endpoint) in resources[resource].endpoints where candidate == method {
                return .found(endpoint, parameters)
            }
            let allowed = resources[resource].allowed
            return method == .options ? .options(allowed: allowed) : .methodNotAllowed(allowed: allowed)
        case .emptySegment(let parameter): return .emptySegment(parameter: parameter)
        case .nothing: return .notFound
        }
    }
}

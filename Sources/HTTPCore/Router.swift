/// Picks the endpoint for a method and a path. Works on the path's bytes as they came; paths are never normalised.
///
/// A pattern is literal segments and parameters: `/groups/{group}/{channel}`. A parameter takes one segment whatever is in
/// it (`%2F` is part of it, `..` too). A route that is scoped is served under the router's scope as well: with the scope
/// `/layers/{layer}`, `/receive` answers for `/layers/jobs/receive` too.
///
/// # How it works
/// The patterns form a tree, a segment an edge. After a node come either literals or a parameter, never both, so a lookup walks down once and never back: linear in the path's length, without an allocation.
@usableFromInline
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

    @usableFromInline
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

    @usableFromInline let table: RouteTable
    @usableFromInline let endpoints: [Endpoint]

    /// - Parameter scope: A prefix with one parameter, `/layers/{layer}`; nil for none.
    package init(_ routes: [Route], scope: String? = nil) {
        var table = RouteTable(scope: scope)
        for (number, route) in routes.enumerated() {
            let methods = route.method == .get && route.allowsHead ? [.get, .head] : [route.method]
            table.add(methods, route.pattern, endpoint: number, isScoped: route.isScoped)
        }
        self.table = table
        endpoints = routes.map(\.endpoint)
    }

    /// - Parameter path: As in the request: it begins with `/`, or is `*`.
    @inlinable
    package func lookup(_ method: HTTPMethod, path: ArraySlice<UInt8>) -> Match {
        switch table.lookup(method, path: path) {
        case .found(let endpoint, let parameters): .found(endpoints[endpoint], parameters)
        case .options(let allowed): .options(allowed: allowed)
        case .methodNotAllowed(let allowed): .methodNotAllowed(allowed: allowed)
        case .emptySegment(let parameter): .emptySegment(parameter: parameter)
        case .notFound: .notFound
        }
    }
}

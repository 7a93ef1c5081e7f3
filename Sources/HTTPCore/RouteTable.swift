/// Routes by method and path, with a number for each endpoint: the part of ``Router`` that knows no endpoint type, and so is
/// compiled once, here, as fast code.
@usableFromInline
struct RouteTable: Sendable {
    @usableFromInline
    enum Match {
        case found(endpoint: Int, RouteParameters)
        case options(allowed: [HTTPMethod])
        case methodNotAllowed(allowed: [HTTPMethod])
        case emptySegment(parameter: String)
        case notFound
    }

    /// What stands at the end of one pattern.
    private struct Resource {
        /// The number of the endpoint for each method, in the order of the routes.
        var endpoints: [(method: HTTPMethod, endpoint: Int)] = []
        /// For `Allow`, in the same order; OPTIONS last.
        var allowed: [HTTPMethod] = [.options]
    }

    private let scope: String?
    private var tree = RouteTree()
    /// One a pattern; that of a scoped pattern stands twice in the tree.
    private var resources: [Resource] = []
    /// All methods of all routes: what `OPTIONS *` tells (RFC 9110 §9.3.7).
    private var allMethods: [HTTPMethod] = [.options]

    init(scope: String?) {
        self.scope = scope
    }

    mutating func add(_ methods: [HTTPMethod], _ pattern: String, endpoint: Int, isScoped: Bool) {
        let resource = tree.resource(at: pattern) ?? resources.count
        if resource == resources.count {
            resources.append(Resource())
            tree.insert(pattern, resource: resource, isScoped: false)
        }
        if isScoped, let scope {
            tree.insert(scope + pattern, resource: resource, isScoped: true)
        }
        for method in methods {
            precondition(!resources[resource].allowed.contains(method), "two routes for \(method) \(pattern)")
            resources[resource].endpoints.append((method, endpoint))
            resources[resource].allowed.insert(method, at: resources[resource].allowed.count - 1)
            if !allMethods.contains(method) { allMethods.insert(method, at: allMethods.count - 1) }
        }
    }

    @usableFromInline
    func lookup(_ method: HTTPMethod, path: ArraySlice<UInt8>) -> Match {
        guard path.first == UInt8(ascii: "/") else {
            return method == .options ? .options(allowed: allMethods) : .methodNotAllowed(allowed: [.options])
        }
        switch tree.walk(path) {
        case .end(let resource, let parameters):
            for (candidate, endpoint) in resources[resource].endpoints where candidate == method {
                return .found(endpoint: endpoint, parameters)
            }
            let allowed = resources[resource].allowed
            return method == .options ? .options(allowed: allowed) : .methodNotAllowed(allowed: allowed)
        case .emptySegment(let parameter): return .emptySegment(parameter: parameter)
        case .nothing: return .notFound
        }
    }
}

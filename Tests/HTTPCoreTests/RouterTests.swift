import Testing

@testable import HTTPCore

@Suite("A request is routed")
struct RouterTests {
    enum Endpoint: Hashable { case root, make, send, status, receive, add, live }

    let router = Router<Endpoint>(
        [
            .init(.get, "/", .root),
            .init(.post, "/channels", .make, isScoped: true),
            .init(.post, "/channels/{channel}", .send, isScoped: true),
            .init(.get, "/channels/{channel}", .status, isScoped: true),
            .init(.get, "/receive", .receive, isScoped: true, allowsHead: false),
            .init(.post, "/receive", .receive, isScoped: true),
            .init(.put, "/groups/{group}/{channel}", .add, isScoped: true),
            .init(.get, "/health/live", .live),
        ], scope: "/layers/{layer}")

    /// A match as values: the endpoint, then the scope, then the parameters.
    enum Answer: Hashable {
        case found(Endpoint, scope: String?, [String])
        case options([HTTPMethod])
        case notAllowed([HTTPMethod])
        case empty(String)
        case notFound
    }

    func lookup(_ method: HTTPMethod, _ path: String) -> Answer {
        // Inside other bytes, as in a head.
        let bytes = Array("GET \(path) HTTP/1.1".utf8)
        switch router.lookup(method, path: bytes[4..<4 + path.utf8.count]) {
        case .found(let endpoint, let parameters):
            let count = parameters.count - (parameters.scope == nil ? 0 : 1)
            return .found(
                endpoint, scope: parameters.scope.map { String(decoding: $0, as: UTF8.self) },
                (0..<count).map { String(decoding: parameters[$0], as: UTF8.self) })
        case .options(let allowed): return .options(allowed)
        case .methodNotAllowed(let allowed): return .notAllowed(allowed)
        case .emptySegment(let parameter): return .empty(parameter)
        case .notFound: return .notFound
        }
    }

    @Test(
        "A path finds its endpoint with its segments as they came",
        arguments: [
            (HTTPMethod.get, "/", Answer.found(.root, scope: nil, [])),
            (.post, "/channels", .found(.make, scope: nil, [])),
            (.post, "/channels/a%2Fb%20", .found(.send, scope: nil, ["a%2Fb%20"])),
            (.post, "/channels/..", .found(.send, scope: nil, [".."])),
            (.post, "/channels/%zz", .found(.send, scope: nil, ["%zz"])),
            (.put, "/groups/g/c", .found(.add, scope: nil, ["g", "c"])),
            (.put, "/layers/jobs/groups/g/c", .found(.add, scope: "jobs", ["g", "c"])),
            (.post, "/layers/layers/channels", .found(.make, scope: "layers", [])),
            (.get, "/health/live", .found(.live, scope: nil, [])),
        ])
    func found(method: HTTPMethod, path: String, answer: Answer) {
        #expect(lookup(method, path) == answer)
    }

    @Test(
        "A path that no route has is not found, and none is normalised",
        arguments: [
            "/x", "/channel", "/channelss", "/Channels/a", "/channels/a/b", "/channels/a/", "/receive/", "//",
            "//receive",
            "/./receive", "/health", "/health/", "/health/live/", "/layers", "/layers/a", "/layers/a/",
            "/layers/a/health/live",
            "/layers/a/layers/b/receive", "/groups/g", "/%72eceive", "/groups/g/c/d",
        ])
    func notFound(path: String) {
        #expect(lookup(.get, path) == .notFound)
    }

    @Test(
        "An empty segment where a name belongs says which one",
        arguments: [
            ("/channels/", "channel"), ("/groups/", "group"), ("/groups//c", "group"), ("/groups/g/", "channel"),
            ("/layers/", "layer"), ("/layers//receive", "layer"), ("/layers/a/channels/", "channel"),
        ])
    func emptySegment(path: String, parameter: String) {
        for method in [HTTPMethod.get, .post, .delete] {
            #expect(lookup(method, path) == .empty(parameter))
        }
    }

    @Test("HEAD finds GET's endpoint, unless its route says no")
    func head() {
        #expect(lookup(.head, "/channels/a") == .found(.status, scope: nil, ["a"]))
        #expect(lookup(.head, "/receive") == .notAllowed([.get, .post, .options]))
    }

    @Test("A known path with another method lists those that it has; OPTIONS does too")
    func allowed() {
        #expect(lookup(.delete, "/channels/a") == .notAllowed([.post, .get, .head, .options]))
        #expect(lookup(.patch, "/layers/a/channels/a") == .notAllowed([.post, .get, .head, .options]))
        #expect(lookup(.options, "/channels/a") == .options([.post, .get, .head, .options]))
        #expect(lookup(.options, "/x") == .notFound)
        #expect(lookup(.options, "*") == .options([.get, .head, .post, .put, .options]))
        #expect(lookup(.connect, "*") == .notAllowed([.options]))
    }
}

/// A request method (RFC 9110 §9). Case-sensitive, as in the RFC.
@usableFromInline
package enum HTTPMethod: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case options = "OPTIONS"
    /// Known to HTTP, served by no route: 405.
    case patch = "PATCH"
    case trace = "TRACE"
    case connect = "CONNECT"
    /// Well formed, but not one that HTTP knows. Stands only in a head that comes with ``HTTPRejection/unknownMethod``.
    case unknown = ""

    /// - Precondition: `bytes` are a token.
    init(_ bytes: UnsafeRawBufferPointer) {
        func isNamed(_ name: StaticString) -> Bool { ASCII.equals(bytes, name) }
        switch bytes.count {
        case 3 where isNamed("GET"): self = .get
        case 3 where isNamed("PUT"): self = .put
        case 4 where isNamed("POST"): self = .post
        case 4 where isNamed("HEAD"): self = .head
        case 5 where isNamed("PATCH"): self = .patch
        case 5 where isNamed("TRACE"): self = .trace
        case 6 where isNamed("DELETE"): self = .delete
        case 7 where isNamed("OPTIONS"): self = .options
        case 7 where isNamed("CONNECT"): self = .connect
        default: self = .unknown
        }
    }
}

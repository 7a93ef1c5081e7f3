/// A request method (RFC 9110 §9). Case-sensitive, as in the RFC.
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
}

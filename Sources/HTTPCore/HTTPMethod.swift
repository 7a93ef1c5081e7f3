/// A request method (RFC 9110 §9). Case-sensitive, as in the RFC.
package enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
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
}

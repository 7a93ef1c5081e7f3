/// A request without its content: request line and header fields, validated.
///
/// It owns the bytes of the head in one array; everything else is a range in them, so that a request costs two allocations.
package struct RequestHead: Sendable {
    package var method: HTTPMethod
    package var version: HTTPVersion
    /// The path as sent, percent-encoded, from its first `/`; `*` for `OPTIONS *` and for CONNECT. Never normalised.
    package var path: ArraySlice<UInt8> { bytes[pathRange] }
    /// What follows the first `?`, as sent; empty where there is none.
    package var query: ArraySlice<UInt8> { bytes[queryRange] }
    package var fields: HTTPFields
    /// How the content is framed (RFC 9112 §6.3), already judged.
    package var framing: ContentFraming
    /// True where the request line held `http://authority/path` (RFC 9112 §3.2.2); `authority` is then its authority.
    package var isAbsoluteForm: Bool
    /// `Expect: 100-continue` was sent, by HTTP/1.1, with a content to come.
    package var expectsContinue: Bool
    /// The connection may serve another request after this one (version and `Connection` say so).
    package var keepsAlive: Bool

    package var bytes: [UInt8]
    package var pathRange: Range<Int>
    package var queryRange: Range<Int>
    package var authorityRange: Range<Int>?

    package init(
        method: HTTPMethod, version: HTTPVersion, fields: HTTPFields, framing: ContentFraming, isAbsoluteForm: Bool,
        expectsContinue: Bool, keepsAlive: Bool, bytes: [UInt8], pathRange: Range<Int>, queryRange: Range<Int>,
        authorityRange: Range<Int>? = nil
    ) {
        self.method = method
        self.version = version
        self.fields = fields
        self.framing = framing
        self.isAbsoluteForm = isAbsoluteForm
        self.expectsContinue = expectsContinue
        self.keepsAlive = keepsAlive
        self.bytes = bytes
        self.pathRange = pathRange
        self.queryRange = queryRange
        self.authorityRange = authorityRange
    }
}

package enum HTTPVersion: Sendable, Hashable {
    case http10
    case http11
}

/// How long a content is (RFC 9112 §6.3).
package enum ContentFraming: Sendable, Hashable {
    /// Neither `Content-Length` nor `Transfer-Encoding`: no content.
    case none
    /// `Content-Length` in bytes, 0 included. A number beyond `Int.max` is `Int.max`: over any limit all the same.
    case length(Int)
    case chunked
}

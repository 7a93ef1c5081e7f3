/// Why the server refuses bytes that never became a call. Each case is one status.
package enum HTTPRejection: Error, Sendable, Hashable {
    /// 400, the connection closes. `reason` names the rule: "white space before a colon (RFC 9112 §5.1)".
    case badRequest(reason: String)
    /// 408: the head or the content did not arrive in time.
    case requestTimeout
    /// 413. `actual` where the client said how much it would send.
    case contentTooLarge(limit: Int, actual: Int?)
    /// 414
    case targetTooLong(limit: Int)
    /// 415: a Content-Encoding other than identity.
    case unsupportedContentEncoding
    /// 417: an Expect other than 100-continue.
    case expectationFailed
    /// 431: a head, or a trailer section, of more than `limit` bytes.
    case headTooLarge(limit: Int)
    /// 431: more than `limit` field lines.
    case tooManyFieldLines(limit: Int)
    /// 501: a method that HTTP does not know.
    case unknownMethod
    /// 501: a Transfer-Encoding other than chunked.
    case unknownTransferEncoding
    /// 505
    case versionNotSupported
    /// 503: contents in arrival over all connections are at their budget, or connections at their limit.
    case overloaded(reason: String)
    /// 503: the server drains.
    case shuttingDown

    /// The status of the answer.
    package var status: Int {
        switch self {
        case .badRequest: 400
        case .requestTimeout: 408
        case .contentTooLarge: 413
        case .targetTooLong: 414
        case .unsupportedContentEncoding: 415
        case .expectationFailed: 417
        case .headTooLarge, .tooManyFieldLines: 431
        case .unknownMethod, .unknownTransferEncoding: 501
        case .versionNotSupported: 505
        case .overloaded, .shuttingDown: 503
        }
    }
}

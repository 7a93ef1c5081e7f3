/// A field name that this server reads, as a number: a lookup compares one byte a line.
///
/// Any other field is reached by its text: `head["x-forwarded-for"]`.
package enum FieldName: UInt8, Sendable, Hashable, CaseIterable {
    case host, connection, contentLength, transferEncoding, expect, contentEncoding
    case contentType, origin, secFetchSite, accept, prefer, requestID
    case accessControlRequestMethod, accessControlRequestHeaders, authorization, userAgent

    /// The name that these bytes are, in any case (RFC 9110 §5.1); nil for one that is not in the list.
    ///
    /// The length leaves two or three candidates, so that a field costs as many comparisons at most.
    ///
    /// - Precondition: `bytes` are a token.
    init?(_ bytes: UnsafeRawBufferPointer) {
        func isNamed(_ name: StaticString) -> Bool { ASCII.equals(bytes, ignoringCase: name) }
        switch bytes.count {
        case 4 where isNamed("host"): self = .host
        case 6 where isNamed("accept"): self = .accept
        case 6 where isNamed("expect"): self = .expect
        case 6 where isNamed("origin"): self = .origin
        case 6 where isNamed("prefer"): self = .prefer
        case 10 where isNamed("connection"): self = .connection
        case 10 where isNamed("user-agent"): self = .userAgent
        case 12 where isNamed("content-type"): self = .contentType
        case 12 where isNamed("x-request-id"): self = .requestID
        case 13 where isNamed("authorization"): self = .authorization
        case 14 where isNamed("sec-fetch-site"): self = .secFetchSite
        case 14 where isNamed("content-length"): self = .contentLength
        case 16 where isNamed("content-encoding"): self = .contentEncoding
        case 17 where isNamed("transfer-encoding"): self = .transferEncoding
        case 29 where isNamed("access-control-request-method"): self = .accessControlRequestMethod
        case 30 where isNamed("access-control-request-headers"): self = .accessControlRequestHeaders
        default: return nil
        }
    }
}

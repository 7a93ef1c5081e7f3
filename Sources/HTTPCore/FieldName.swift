/// A field name that this server reads, as a number: a lookup compares one byte a line.
///
/// Any other field is reached by its text: `head["x-forwarded-for"]`.
package enum FieldName: UInt8, Sendable, Hashable, CaseIterable {
    case host, connection, contentLength, transferEncoding, expect, contentEncoding
    case contentType, origin, accept, prefer, requestID
    case accessControlRequestMethod, accessControlRequestHeaders, authorization, userAgent
}

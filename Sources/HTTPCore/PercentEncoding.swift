/// Percent-encoding (RFC 3986 §2.1). Decoding is strict: a `%` without two hexadecimal digits is nil.
package enum PercentEncoding {
    /// A path segment decoded. Bytes that are not UTF-8 become U+FFFD, which is in no name.
    package static func decodeSegment(_ bytes: ArraySlice<UInt8>) -> String? { fatalError("follows") }

    /// The name or the value of a form's parameter decoded: percent-encoding, and `+` is a space.
    package static func decodeFormComponent(_ bytes: ArraySlice<UInt8>) -> String? { fatalError("follows") }

    /// Everything but RFC 3986's unreserved characters encoded: fit for a path segment, a query, a field value.
    package static func encode(_ text: String) -> String { fatalError("follows") }
}

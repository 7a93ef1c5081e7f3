/// A moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7).
package enum HTTPDate {
    /// The 29 bytes for that many seconds since 1970-01-01T00:00:00Z; 0 or more, up to the year 9999.
    package static func bytes(secondsSince1970: Int) -> [UInt8] { fatalError("follows") }
}

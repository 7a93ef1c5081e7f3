/// What a request's `Prefer` fields ask for (RFC 7240).
package enum Preferences {
    /// The seconds of `wait=30`; the first one counts (RFC 7240 §2). Nil where it is missing or not a number of digits; a
    /// preference that cannot be read is no error. Numbers beyond `Int.max` are `Int.max`.
    ///
    /// - Parameter values: All lines of `Prefer`: `head.values(of: .prefer)`.
    package static func waitSeconds(in values: [ArraySlice<UInt8>]) -> Int? { fatalError("follows") }
}

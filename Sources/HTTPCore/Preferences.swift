/// What a request's `Prefer` fields ask for (RFC 7240).
package enum Preferences {
    /// The seconds of `wait=30`; the first one counts (RFC 7240 §2). Nil where it is missing or not a number of digits; a
    /// preference that cannot be read is no error. Numbers beyond `Int.max` are `Int.max`.
    ///
    /// - Parameter values: All lines of `Prefer`: `head.values(of: .prefer)`.
    package static func waitSeconds(in values: [ArraySlice<UInt8>]) -> Int? {
        for value in values {
            var reader = FieldValueReader(value)
            while !reader.isAtEnd {
                reader.skipBlanks()
                if reader.lowercaseToken() == "wait" { return seconds(&reader) }
                reader.skipListMember()
            }
        }
        return nil
    }

    /// What follows `wait`: `=30`, with white space around the sign (RFC 7240 §2 allows it).
    private static func seconds(_ reader: inout FieldValueReader) -> Int? {
        reader.skipBlanks()
        guard reader.take(UInt8(ascii: "=")) else { return nil }
        reader.skipBlanks()
        guard let text = reader.tokenOrQuotedString(), !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) else {
            return nil
        }
        return Int(text) ?? Int.max
    }
}

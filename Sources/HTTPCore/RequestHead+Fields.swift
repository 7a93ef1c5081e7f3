extension RequestHead {
    /// `host[:port]` that the request is for: of the target in absolute form, else of `Host` (RFC 9112 §3.3). Nil where
    /// HTTP/1.0 said neither.
    package var authority: ArraySlice<UInt8>? { authorityRange.map { bytes[$0] } }

    /// The value of the first line of that name, without the white space around it.
    package func value(of name: FieldName) -> ArraySlice<UInt8>? {
        for line in fields.lines where line.known == name { return bytes[line.value] }
        return nil
    }

    /// The values of all lines of that name, in the order in which they came.
    package func values(of name: FieldName) -> [ArraySlice<UInt8>] {
        fields.lines.compactMap { $0.known == name ? bytes[$0.value] : nil }
    }

    /// The value as text; of several lines, all of them joined by ", " (RFC 9110 §5.2). Nil where there is no such line.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    package subscript(name: FieldName) -> String? { text { $0.known == name } }

    /// The same for a name given as text, in any case. Linear in the lines.
    package subscript(name: String) -> String? {
        text { line in bytes[line.name].elementsEqual(name.utf8) { ASCII.lowercased($0) == ASCII.lowercased($1) } }
    }

    private func text(where isWanted: (HTTPFields.Line) -> Bool) -> String? {
        var joined: String?
        for line in fields.lines where isWanted(line) {
            let value = String(decoding: bytes[line.value], as: UTF8.self)
            joined = joined.map { "\($0), \(value)" } ?? value
        }
        return joined
    }
}

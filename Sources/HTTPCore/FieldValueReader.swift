/// Reads the parts that field values are made of: tokens, quoted strings, parameters (RFC 9110 §5.6).
struct FieldValueReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    mutating func skipBlanks() {
        while position < bytes.endIndex, ASCII.isBlank(bytes[position]) { position += 1 }
    }

    /// Takes `byte` if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.endIndex, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// The token that comes next, in lower case; nil where none does.
    mutating func lowercaseToken() -> String? {
        let token = tokenBytes()
        guard !token.isEmpty else { return nil }
        return token.withUnsafeBufferPointer { token in
            String(unsafeUninitializedCapacity: token.count) { text in
                for (position, byte) in token.enumerated() { text[position] = ASCII.lowercased(byte) }
                return token.count
            }
        }
    }

    /// The token or quoted string that comes next, without its quotes and backslashes; nil where neither does.
    mutating func tokenOrQuotedString() -> String? {
        if take(UInt8(ascii: "\"")) { return restOfQuotedString() }
        let token = tokenBytes()
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// `; name=value; …`, with white space around the semicolons (RFC 9110 §5.6.6). Nil where one is malformed.
    mutating func parameters() -> [MediaType.Parameter]? {
        var parameters: [MediaType.Parameter] = []
        while true {
            skipBlanks()
            guard take(UInt8(ascii: ";")) else { return parameters }
            skipBlanks()
            guard let name = lowercaseToken() else { continue }
            guard take(UInt8(ascii: "=")), let value = tokenOrQuotedString() else { return nil }
            parameters.append(MediaType.Parameter(name: name, value: value))
        }
    }

    /// Goes on behind the next comma that is not inside a quoted string; to the end where there is none.
    mutating func skipListMember() {
        var isQuoted = false
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\\"), isQuoted, position < bytes.endIndex { position += 1 }
            if byte == UInt8(ascii: ","), !isQuoted { return }
        }
    }

    private mutating func tokenBytes() -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.endIndex, ASCII.token.contains(bytes[position]) { position += 1 }
        return bytes[start..<position]
    }

    private mutating func restOfQuotedString() -> String? {
        var text: [UInt8] = []
        while position < bytes.endIndex {
            var byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                guard position < bytes.endIndex else { return nil }
                byte = bytes[position]
                position += 1
            }
            text.append(byte)
        }
        return nil
    }
}

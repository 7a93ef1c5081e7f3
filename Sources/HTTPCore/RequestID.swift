/// The id of a request, for logs on both sides: the client's `X-Request-Id`, or one that the server makes.
package enum RequestID {
    package static let bytesMax = 128

    /// The client's id; nil where it is missing, given twice, or not 1 to 128 visible ASCII characters other than quotes,
    /// backslash and comma. So it can stand in any log line as it is.
    package static func sent(in head: borrowing RequestHead) -> String? {
        var lines = head.fields.lines.lazy.filter { $0.known == .requestID }.makeIterator()
        guard let line = lines.next(), lines.next() == nil else { return nil }
        let value = head.bytes[line.value]
        guard (1...bytesMax).contains(value.count), value.allSatisfy(isAllowed) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    /// An id of 13 characters (base 32), short enough to need no allocation.
    package static func make(from number: UInt64) -> String {
        // Crockford's digits: none looks like another.
        let digits: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
        return String(unsafeUninitializedCapacity: 13) { characters in
            for position in 0..<13 {
                characters[12 - position] = digits.utf8Start[Int((number >> UInt64(position * 5)) & 31)]
            }
            return 13
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"), UInt8(ascii: "\\"), UInt8(ascii: ","): false
        default: byte > 0x20 && byte < 0x7F
        }
    }
}

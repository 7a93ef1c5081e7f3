/// The escapes of JSON strings (RFC 8259 §7), both ways.
enum JSONEscapes {
    /// The text of a checked string without its quotes. A lone surrogate becomes U+FFFD: it stands for no character.
    static func resolve(_ inner: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(inner.count)
        var rest = inner
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                text.append(byte)
                continue
            }
            guard escape == UInt8(ascii: "u") else {
                text.append(character(ofShortEscape: escape))
                continue
            }
            var unit = popHexUnit(&rest)
            if unit & 0xFC00 == 0xD800, rest.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
                var ahead = rest.dropFirst(2)
                let low = popHexUnit(&ahead)
                if low & 0xFC00 == 0xDC00 {
                    unit = 0x1_0000 + (unit & 0x3FF) << 10 + low & 0x3FF
                    rest = ahead
                }
            }
            text.append(contentsOf: Character(Unicode.Scalar(unit) ?? "\u{FFFD}").utf8)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What must be written in place of `byte` in a string; nil where it stands for itself.
    static func escape(of byte: UInt8) -> StaticString? {
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0C: "\\f"
        case 0x0D: "\\r"
        case ..<0x20: controls[Int(byte)]
        default: nil
        }
    }

    private static func character(ofShortEscape letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    private static func popHexUnit(_ rest: inout ArraySlice<UInt8>) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 { unit = unit << 4 | UInt32(rest.popFirst().flatMap(HexDigit.value(of:)) ?? 0) }
        return unit
    }

    private static let controls: [StaticString] = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\u0008", "\\u0009", "\\u000a", "\\u000b", "\\u000c", "\\u000d", "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    ]
}

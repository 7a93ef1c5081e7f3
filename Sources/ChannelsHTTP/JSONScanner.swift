/// Goes over a JSON text (RFC 8259) once, byte by byte, and says where its values begin and end, or where it goes wrong.
///
/// ## How it works
/// Nothing is decoded and nothing is allocated: each `skip` moves `position` past one thing and returns true, or returns
/// false with `position` at the first byte with which no JSON text can go on (the end, where the text breaks off). Nested
/// values take no recursion: `nesting` holds one bit a level, set for an object. Long plain strings are skipped eight bytes
/// at a time.
///
/// Strict where the RFC is: UTF-8 without BOM, no comments, no trailing commas. Escapes of lone surrogates (`\ud800`) pass,
/// as the RFC's grammar has them; messages are delivered as they came.
struct JSONScanner {
    /// Levels of arrays and objects that a message has at most.
    static let depthMax = 512
    /// What `nesting` holds; some more than a message, for the levels of a batch around it.
    private static let nestingMax = 9 * 64

    // SAFETY: the bytes are borrowed for the life of the scanner, which never leaves the closure of `withUnsafeBytes` in
    // which it was made; every read is at an offset that was compared with `count` before.
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    /// Where the text ends; less than the bytes there are, for a line of several.
    let end: Int
    private let depthMax: Int

    init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>? = nil, depthMax: Int = Self.depthMax) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
        self.depthMax = depthMax
        precondition(position >= 0 && position <= end && end <= bytes.count && depthMax <= Self.nestingMax)
    }

    /// The byte at `position`, nil at the end.
    var next: UInt8? {
        position < end ? bytes[position] : nil
    }

    /// Moves past `byte` if it is the next.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func skipWhiteSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    // MARK: Values

    /// Skips one value, whatever is nested in it; white space around it is not its own.
    mutating func skipValue() -> Bool {
        var nesting = InlineArray<9, UInt64>(repeating: 0)
        var depth = 0
        while true {
            guard let byte = next else { return false }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth < depthMax else { return false }
                let isObject = byte == UInt8(ascii: "{")
                position += 1
                skipWhiteSpace()
                if !skip(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    let bit = UInt64(1) << UInt64(depth % 64)
                    if isObject { nesting[depth / 64] |= bit } else { nesting[depth / 64] &= ~bit }
                    depth += 1
                    if isObject, !skipMemberName() { return false }
                    continue
                }
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard skipNumber() else { return false }
            case UInt8(ascii: "t"):
                guard skipLiteral("true") else { return false }
            case UInt8(ascii: "f"):
                guard skipLiteral("false") else { return false }
            case UInt8(ascii: "n"):
                guard skipLiteral("null") else { return false }
            default:
                return false
            }
            // A value is complete: close what it ends, then go on to the next value of what is still open.
            closing: while true {
                guard depth > 0 else { return true }
                let isObject = nesting[(depth - 1) / 64] & (UInt64(1) << UInt64((depth - 1) % 64)) != 0
                skipWhiteSpace()
                if skip(UInt8(ascii: ",")) {
                    skipWhiteSpace()
                    if isObject, !skipMemberName() { return false }
                    break closing
                }
                guard skip(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
                depth -= 1
            }
        }
    }

    /// Skips `"name" :` and the white space after it; `position` must be at the quote.
    mutating func skipMemberName() -> Bool {
        guard skipString() else { return false }
        skipWhiteSpace()
        guard skip(UInt8(ascii: ":")) else { return false }
        skipWhiteSpace()
        return true
    }

    private mutating func skipLiteral(_ literal: StaticString) -> Bool {
        for offset in 0..<literal.utf8CodeUnitCount where !skip(literal.utf8Start[offset]) { return false }
        return true
    }

    // MARK: Numbers (RFC 8259 §6)

    private mutating func skipNumber() -> Bool {
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) {
            guard skipDigits() else { return false }
        }
        if skip(UInt8(ascii: ".")) {
            guard skipDigits() else { return false }
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            guard skipDigits() else { return false }
        }
        return true
    }

    /// One digit or more.
    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return position > start
    }

    // MARK: Strings (RFC 8259 §7)

    /// Skips a string with its quotes.
    mutating func skipString() -> Bool {
        guard skip(UInt8(ascii: "\"")) else { return false }
        while true {
            skipPlainCharacters()
            guard let byte = next else { return false }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return true
            case UInt8(ascii: "\\"):
                guard skipEscape() else { return false }
            case 0x80...:
                let length = UTF8Sequence.length(in: bytes, at: position, end: end)
                guard length > 0 else {
                    position -= length
                    return false
                }
                position += length
            default:
                return false
            }
        }
    }

    /// Skips what needs no look: ASCII but for quotes, backslashes and control characters.
    private mutating func skipPlainCharacters() {
        while end - position >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let special = PlainCharacters.specialBytes(in: word)
            guard special == 0 else {
                position += special.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
        while let byte = next, PlainCharacters.contains(byte) { position += 1 }
    }

    private mutating func skipEscape() -> Bool {
        position += 1
        guard let byte = next else { return false }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
            return true
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let digit = next, HexDigit.value(of: digit) != nil else { return false }
                position += 1
            }
            return true
        default:
            return false
        }
    }
}

/// The characters that stand for themselves in a JSON string: ASCII but for `"`, `\` and control characters.
enum PlainCharacters {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    static func contains(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// The high bit of each of eight bytes that is not plain. Exact up to the lowest bit set; those above it may be wrong,
    /// as a subtraction borrows upwards.
    static func specialBytes(in word: UInt64) -> UInt64 {
        let controls = (word &- ones &* 0x20) & ~word
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        return (word | controls | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)) & highBits
    }
}

enum HexDigit {
    static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The classes of bytes that the grammars of HTTP and URIs are made of, and comparison without case.
package enum ASCII {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20

    /// A set of ASCII characters as a bit each: membership costs a shift, and no table has to be in the cache.
    struct CharacterSet: Sendable {
        private let low: UInt64
        private let high: UInt64

        @inline(__always)
        init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }

        /// - Complexity: O(n); for sets that are made once.
        init(_ characters: String) {
            var (low, high): (UInt64, UInt64) = (0, 0)
            for byte in characters.utf8 {
                precondition(byte < 128)
                if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
            }
            self.init(low: low, high: high)
        }

        @inline(__always)
        func contains(_ byte: UInt8) -> Bool {
            byte < 128 && ((byte < 64 ? low : high) &>> UInt64(byte & 63)) & 1 == 1
        }

        /// The first position from `start` on whose byte is not in the set; `bytes.count` where all are.
        @inline(__always)
        func end(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
            var position = start
            while position < bytes.count, contains(bytes[position]) { position += 1 }
            return position
        }
    }

    // The masks are written out so that the compiler has them as constants; a test compares them with the characters that
    // they stand for.

    /// `tchar` (RFC 9110 §5.6.2): what methods, field names and other tokens are made of.
    static var token: CharacterSet { CharacterSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
    /// Visible characters but `#`, which no request target holds (RFC 9112 §3.2), and `?`, where its query begins.
    static var targetBeforeQuery: CharacterSet { CharacterSet(low: 0x7FFF_FFF6_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF) }
    /// `unreserved` (RFC 3986 §2.3): what percent-encoding leaves alone.
    static var unreserved: CharacterSet { CharacterSet(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// `field-vchar`, space or tab (RFC 9110 §5.5): everything but control characters. Bytes from 0x80 on are `obs-text`.
    @inline(__always)
    static func isFieldContent(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == tab }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// Where the token that goes on at `start` ends.
    @inline(__always)
    static func endOfToken(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        // Nearly all tokens are letters and hyphens; whatever else stops the first search, the second one judges.
        let end = ByteWord.firstPosition(in: bytes, from: start) {
            ($0.letters | $0.equal(to: UInt8(ascii: "-"))) ^ ByteWord.repeating(0x80)
        }
        return token.end(in: bytes, from: end)
    }

    /// The first position from `start` on that holds a control character other than tab; `bytes.count` where none does.
    @inline(__always)
    static func endOfFieldContent(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var position = start
        while true {
            position = ByteWord.firstPosition(in: bytes, from: position) { $0.below(0x20) | $0.equal(to: 0x7F) }
            while position < bytes.count, bytes[position] != tab {
                guard isFieldContent(bytes[position]) else { return position }
                position &+= 1
            }
            guard position < bytes.count else { return position }
            position &+= 1
        }
    }

    /// The first position from `start` on that holds no visible character, or `#`, or `?`.
    @inline(__always)
    static func endOfTargetPart(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let end = ByteWord.firstPosition(in: bytes, from: start) {
            $0.below(0x21) | $0.equal(to: UInt8(ascii: "?")) | $0.equal(to: UInt8(ascii: "#")) | $0.equal(to: 0x7F)
                | $0.beyondASCII
        }
        return targetBeforeQuery.end(in: bytes, from: end)
    }

    /// Whether `bytes` are `lowercase` but for the case of letters.
    ///
    /// - Precondition: `bytes` hold no control characters; `lowercase` is made of a–z, 0–9, `-` and `/`. Then setting bit
    ///   0x20 folds the case of letters and changes nothing that matters: what it maps onto those characters are they
    ///   themselves, capitals and control characters.
    @inline(__always)
    static func equals(_ bytes: UnsafeRawBufferPointer, ignoringCase lowercase: StaticString) -> Bool {
        let count = lowercase.utf8CodeUnitCount
        guard bytes.count == count else { return false }
        let expected = UnsafeRawBufferPointer(start: lowercase.utf8Start, count: count)
        guard count >= 8 else {
            for position in 0..<count where bytes[position] | 0x20 != expected[position] { return false }
            return true
        }
        var position = 0
        while true {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) | 0x2020_2020_2020_2020
            if word != expected.loadUnaligned(fromByteOffset: position, as: UInt64.self) { return false }
            if position == count - 8 { return true }
            position = min(position + 8, count - 8)
        }
    }

    /// The same for a field value as it stands in a head.
    package static func equals(_ value: ArraySlice<UInt8>, ignoringCase lowercase: StaticString) -> Bool {
        value.withUnsafeBytes { equals($0, ignoringCase: lowercase) }
    }

    @inline(__always)
    static func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for position in 0..<bytes.count where bytes[position] != text.utf8Start[position] { return false }
        return true
    }
}

/// One character beyond ASCII, as UTF-8 has it: no overlong forms, no surrogates, nothing past U+10FFFF (RFC 3629 §4).
enum UTF8Sequence {
    /// The bytes of the sequence that begins at `start`, 2 to 4. Where it is none: minus the number of bytes before the first
    /// with which it cannot go on (0 where the lead byte itself is wrong).
    static func length(in bytes: UnsafeRawBufferPointer, at start: Int, end: Int) -> Int {
        var second: ClosedRange<UInt8> = 0x80...0xBF
        let length: Int
        switch bytes[start] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard start + 1 < end, second.contains(bytes[start + 1]) else { return -1 }
        for offset in 2..<max(length, 2) {
            guard start + offset < end, bytes[start + offset] & 0xC0 == 0x80 else { return -offset }
        }
        return length
    }
}

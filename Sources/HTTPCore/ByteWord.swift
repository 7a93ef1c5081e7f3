/// Eight bytes that are looked at at once.
///
/// Each question answers with a mask: bit 0x80 is set in every byte for which it holds, and in no other. No step carries from
/// one byte into the next, since sums are made of seven bits each; so the first set bit tells the first such byte.
struct ByteWord {
    private let word: UInt64

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    @inline(__always)
    static func repeating(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    private static var highBits: UInt64 { 0x8080_8080_8080_8080 }
    private static var lowBits: UInt64 { 0x7F7F_7F7F_7F7F_7F7F }

    /// Bytes that are `byte`.
    @inline(__always)
    func equal(to byte: UInt8) -> UInt64 {
        let difference = word ^ Self.repeating(byte)
        return ~(((difference & Self.lowBits) &+ Self.lowBits) | difference) & Self.highBits
    }

    /// Bytes below `limit`, which is at most 0x80.
    @inline(__always)
    func below(_ limit: UInt8) -> UInt64 {
        ~(((word & Self.lowBits) &+ Self.repeating(0x80 &- limit)) | word) & Self.highBits
    }

    /// Bytes from 0x80 on.
    @inline(__always)
    var beyondASCII: UInt64 { word & Self.highBits }

    /// ASCII letters.
    @inline(__always)
    var letters: UInt64 {
        let folded = (word | Self.repeating(0x20)) & Self.lowBits
        let fromA = folded &+ Self.repeating(0x80 - 0x61)
        let beyondZ = folded &+ Self.repeating(0x80 - 0x7B)
        return fromA & ~beyondZ & ~word & Self.highBits
    }

    /// The first position from `start` on of a byte that `question` marks. Where fewer than eight bytes are left before
    /// one is found, the answer is where these begin: they are the caller's.
    @inline(__always)
    static func firstPosition(
        in bytes: UnsafeRawBufferPointer, from start: Int, where question: (ByteWord) -> UInt64
    ) -> Int {
        var position = start
        while position &+ 8 <= bytes.count {
            let mask = question(ByteWord(bytes, at: position))
            if mask != 0 { return position &+ mask.trailingZeroBitCount / 8 }
            position &+= 8
        }
        return position
    }
}

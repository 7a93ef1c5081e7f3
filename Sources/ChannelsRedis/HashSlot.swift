/// The slot of a Redis Cluster that a key is in.
///
/// Redis Cluster Specification, "Key distribution model": CRC16 (XMODEM: polynomial 0x1021, from 0, nothing reflected) of
/// what stands between the first `{` and the next `}`, modulo 16,384.
struct HashSlot: Hashable, Comparable, Sendable {
    static let count = 16_384

    let number: Int

    init(number: Int) {
        self.number = number
    }

    /// - Parameter tag: what stands between the braces.
    init(ofTag tag: some StringProtocol) {
        var remainder: UInt16 = 0
        for byte in tag.utf8 {
            remainder ^= UInt16(byte) << 8
            for _ in 0..<8 { remainder = remainder & 0x8000 == 0 ? remainder << 1 : remainder << 1 ^ 0x1021 }
        }
        number = Int(remainder) % Self.count
    }

    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

import HTTPCore

/// Writes bytes as base64 (RFC 4648 §4, with padding), step by step.
struct Base64Encoder: ContentEncoder {
    let source: [UInt8]
    private var position = 0

    init(_ source: [UInt8]) {
        self.source = source
    }

    var byteCount: Int { Self.encodedByteCount(of: source.count) }

    mutating func encode(into buffer: inout [UInt8], bytesMax: Int) {
        let taken = position..<min(source.count, position + bytesMax / 4 * 3)
        let madeCount = Self.encodedByteCount(of: taken.count)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: madeCount) { made in
            source.withUnsafeBufferPointer { bytes in
                // SAFETY: `taken` lies in the source, and each group of three bytes of it fills four of `made`.
                Self.encode(UnsafeBufferPointer(rebasing: bytes[taken]), into: made)
            }
            buffer.append(contentsOf: made[..<madeCount])
        }
        position = taken.upperBound
    }

    private static func encodedByteCount(of byteCount: Int) -> Int {
        (byteCount + 2) / 3 * 4
    }

    private static func encode(_ bytes: UnsafeBufferPointer<UInt8>, into made: UnsafeMutableBufferPointer<UInt8>) {
        let alphabet = alphabet.utf8Start
        var end = 0
        var start = 0
        while start < bytes.count {
            let isWhole = start + 2 < bytes.count
            let second = start + 1 < bytes.count ? UInt32(bytes[start + 1]) : 0
            let third = isWhole ? UInt32(bytes[start + 2]) : 0
            let group = UInt32(bytes[start]) << 16 | second << 8 | third
            // SAFETY: six bits index the 64 bytes of the alphabet.
            made.initializeElement(at: end, to: alphabet[Int(group >> 18)])
            made.initializeElement(at: end + 1, to: alphabet[Int(group >> 12 & 0x3F)])
            made.initializeElement(at: end + 2, to: alphabet[Int(group >> 6 & 0x3F)])
            made.initializeElement(at: end + 3, to: alphabet[Int(group & 0x3F)])
            if !isWhole {
                made[end + 3] = UInt8(ascii: "=")
                if start + 1 == bytes.count { made[end + 2] = UInt8(ascii: "=") }
            }
            start += 3
            end += 4
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
}

import HTTPCore

/// Writes bytes as base64 (RFC 4648 §4, with padding), step by step.
struct Base64Encoder: ContentEncoder {
    private let content: [UInt8]
    private var position = 0

    init(_ content: [UInt8]) {
        self.content = content
    }

    var byteCount: Int { (content.count + 2) / 3 * 4 }

    mutating func encode(into buffer: inout [UInt8], bytesMax: Int) {
        let end = min(content.count, position + bytesMax / 4 * 3)
        buffer.reserveCapacity(buffer.count + (end - position + 2) / 3 * 4)
        content.withUnsafeBufferPointer { bytes in
            while position + 3 <= end {
                let group = UInt32(bytes[position]) << 16 | UInt32(bytes[position + 1]) << 8 | UInt32(bytes[position + 2])
                buffer.append(Self.digit(group >> 18))
                buffer.append(Self.digit(group >> 12))
                buffer.append(Self.digit(group >> 6))
                buffer.append(Self.digit(group))
                position += 3
            }
            guard position < end else { return }
            // The last group: one byte or two.
            let isPair = end - position == 2
            let group = UInt32(bytes[position]) << 16 | (isPair ? UInt32(bytes[position + 1]) << 8 : 0)
            buffer.append(Self.digit(group >> 18))
            buffer.append(Self.digit(group >> 12))
            buffer.append(isPair ? Self.digit(group >> 6) : UInt8(ascii: "="))
            buffer.append(UInt8(ascii: "="))
            position = end
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private static func digit(_ bits: UInt32) -> UInt8 {
        // SAFETY: six bits index the 64 bytes of the alphabet.
        alphabet.utf8Start[Int(bits & 0x3F)]
    }
}

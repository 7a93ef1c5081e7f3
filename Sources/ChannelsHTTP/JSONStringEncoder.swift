import HTTPCore

/// Writes a UTF-8 text as the inside of a JSON string, step by step; the quotes are its neighbours'.
struct JSONStringEncoder: ContentEncoder {
    let source: [UInt8]
    private var position = 0
    let byteCount: Int

    /// Nil where `text` is not UTF-8. O(n): the escapes are counted, so that the length is known before the first byte.
    init?(_ text: [UInt8]) {
        guard let byteCount = Self.escapedByteCount(of: text) else { return nil }
        source = text
        self.byteCount = byteCount
    }

    mutating func encode(into buffer: inout [UInt8], bytesMax: Int) {
        var left = bytesMax
        while position < source.count, left > 0 {
            let run = plainRun(bytesMax: left)
            buffer.append(contentsOf: source[position..<(position + run)])
            position += run
            left -= run
            guard position < source.count, let escape = JSONEscapes.escape(of: source[position]) else { continue }
            guard escape.utf8CodeUnitCount <= left else { return }
            // SAFETY: a StaticString points to constant memory of just that many bytes.
            buffer.append(contentsOf: UnsafeBufferPointer(start: escape.utf8Start, count: escape.utf8CodeUnitCount))
            left -= escape.utf8CodeUnitCount
            position += 1
        }
    }

    /// How many bytes from `position` on stand for themselves, up to `bytesMax`.
    private func plainRun(bytesMax: Int) -> Int {
        let end = min(source.count, position + bytesMax)
        return source.withUnsafeBytes { bytes in
            var cursor = position
            while cursor < end {
                if end - cursor >= 8 {
                    let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: cursor, as: UInt64.self))
                    if PlainCharacters.specialBytes(in: word) == 0 {
                        cursor += 8
                        continue
                    }
                }
                guard PlainCharacters.contains(bytes[cursor]) || bytes[cursor] >= 0x80 else { break }
                cursor += 1
            }
            return cursor - position
        }
    }

    /// Nil where `text` is not UTF-8 (RFC 3629).
    private static func escapedByteCount(of text: [UInt8]) -> Int? {
        text.withUnsafeBytes { bytes in
            var count = bytes.count
            var cursor = 0
            while cursor < bytes.count {
                if bytes.count - cursor >= 8 {
                    let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: cursor, as: UInt64.self))
                    if PlainCharacters.specialBytes(in: word) == 0 {
                        cursor += 8
                        continue
                    }
                }
                if bytes[cursor] < 0x80 {
                    if let escape = JSONEscapes.escape(of: bytes[cursor]) { count += escape.utf8CodeUnitCount - 1 }
                    cursor += 1
                } else {
                    let length = UTF8Sequence.length(in: bytes, at: cursor, end: bytes.count)
                    guard length > 0 else { return nil }
                    cursor += length
                }
            }
            return count
        }
    }
}

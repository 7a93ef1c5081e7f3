/// The members of a comma-separated list of tokens, without white space around them; empty ones are skipped (RFC 9110
/// §5.6.1.2). For lists in which no quoted string can stand.
struct ListMembers {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        while position < bytes.count {
            var start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: ",") { position += 1 }
            var end = position
            if position < bytes.count { position += 1 }
            while start < end, ASCII.isBlank(bytes[start]) { start += 1 }
            while end > start, ASCII.isBlank(bytes[end - 1]) { end -= 1 }
            if start < end { return UnsafeRawBufferPointer(rebasing: bytes[start..<end]) }
        }
        return nil
    }
}

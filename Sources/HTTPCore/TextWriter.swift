/// Writes text into memory that was set aside for it: each piece is one copy. An array that grows piece by piece checks its
/// owner and its room each time, which for the small pieces of a head costs more than the copy.
package struct TextWriter {
    private let room: UnsafeMutableBufferPointer<UInt8>
    /// How many bytes have been written.
    package private(set) var count = 0

    /// - Parameter room: Uninitialized; the writer must not outlive it.
    package init(_ room: UnsafeMutableBufferPointer<UInt8>) {
        self.room = room
    }

    @inline(__always)
    package mutating func write(_ text: StaticString) {
        write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { write($0) }
    }

    @inline(__always)
    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write($0) }
    }

    /// Lets `write` fill the rest of the room from its start; it returns how much of it.
    package mutating func write(_ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        count += write(UnsafeMutableBufferPointer(rebasing: room[count...]))
        precondition(count <= room.count, "the room set aside is too small")
    }

    /// Writes a number of 0 or more, with zeros in front up to that many digits.
    package mutating func writeDecimal(_ number: Int, digits digitsMin: Int = 1) {
        precondition(number >= 0 && digitsMin <= Self.digitsMax)
        // From its end, which is where the digits come out.
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var (start, rest) = (Self.digitsMax, UInt(bitPattern: number))
        repeat {
            start -= 1
            let tenth = rest / 10
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest - tenth * 10)
            rest = tenth
        } while rest > 0
        start = min(start, Self.digitsMax - digitsMin)
        digits.span.withUnsafeBufferPointer { write(UnsafeBufferPointer(rebasing: $0[start...])) }
    }

    private static var digitsMax: Int { 20 }

    /// Writes a field value, with a space in the place of each control character.
    @inline(__always)
    mutating func writeFieldValue(_ text: String) {
        var position = count
        write(text)
        let written = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
        while true {
            position = ASCII.endOfFieldContent(in: written, from: position)
            guard position < count else { return }
            room[position] = ASCII.space
        }
    }

    /// Writes a field name, which must be a token.
    @inline(__always)
    mutating func writeFieldName(_ name: String) {
        let start = count
        write(name)
        let written = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
        precondition(count > start && ASCII.endOfToken(in: written, from: start) == count, "a field name is a token")
    }

    @inline(__always)
    private mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        // SAFETY: the room behind `count` is ours and large enough, as the next line makes sure; the source is alive for
        // the length of this call and elsewhere.
        precondition(bytes.count <= room.count - count, "the room set aside is too small")
        (room.baseAddress! + count).initialize(from: source, count: bytes.count)
        count += bytes.count
    }
}

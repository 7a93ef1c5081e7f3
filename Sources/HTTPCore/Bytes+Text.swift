/// Writing text into bytes, without a String in between.
extension [UInt8] {
    /// Appends literal text: one copy of constant bytes.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number of 0 or more, with zeros in front up to that many digits.
    mutating func appendDecimal(_ number: Int, digits: Int = 1) {
        precondition(number >= 0)
        let start = count
        var rest = number
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0 || count - start < digits
        self[start...].reverse()
    }
}

/// Header fields: ranges in the bytes of a head, in the order in which they came.
///
/// Names compare without case (RFC 9110 §5.1). A field that came twice is kept twice. Read them through ``RequestHead``,
/// which has the bytes: `head[.contentType]`, `head.value(of: .origin)`.
package struct HTTPFields: Sendable, Equatable {
    /// One field line, in 20 bytes.
    package struct Line: Sendable, Equatable {
        private let nameStart, nameEnd, valueStart, valueEnd: UInt32
        /// The name, where it is one that ``FieldName`` knows; recognised once, when the line was parsed.
        package let known: FieldName?

        package init(name: Range<Int>, value: Range<Int>, known: FieldName?) {
            self.nameStart = UInt32(truncatingIfNeeded: name.lowerBound)
            self.nameEnd = UInt32(truncatingIfNeeded: name.upperBound)
            self.valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
            self.valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
            self.known = known
        }

        package var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        /// Without the white space around it.
        package var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    package var lines: [Line] = []
    package init() {}
}

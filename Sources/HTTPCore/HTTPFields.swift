/// Header fields: ranges in the bytes of a head, in the order in which they came.
///
/// Names compare without case (RFC 9110 §5.1). A field that came twice is kept twice.
package struct HTTPFields: Sendable {
    package struct Line: Sendable, Equatable {
        package var name: Range<Int>
        /// Without the white space around it.
        package var value: Range<Int>
    }
    package var lines: [Line] = []
    package init() {}
}

/// The segments of a path that stood for parameters, as they came: percent-encoded.
@usableFromInline
package struct RouteParameters: Sendable {
    /// More than any pattern has; so they need no array.
    static let countMax = 4

    private let path: ArraySlice<UInt8>
    private var ranges: (Range<Int>, Range<Int>, Range<Int>, Range<Int>) = (0..<0, 0..<0, 0..<0, 0..<0)
    private(set) var count = 0
    /// The first one is the scope's.
    var isScoped = false

    init(path: ArraySlice<UInt8>) {
        self.path = path
    }

    mutating func append(_ range: Range<Int>) {
        switch count {
        case 0: ranges.0 = range
        case 1: ranges.1 = range
        case 2: ranges.2 = range
        default: ranges.3 = range
        }
        count += 1
    }

    /// The parameter of the router's scope (the layer in `/layers/{layer}/…`); nil outside of it.
    package var scope: ArraySlice<UInt8>? { isScoped ? path[ranges.0] : nil }

    /// The parameter at `position` in the route's pattern, from 0; that of the scope does not count.
    package subscript(position: Int) -> ArraySlice<UInt8> {
        let index = isScoped ? position + 1 : position
        precondition(position >= 0 && index < count, "the pattern has no such parameter")
        return switch index {
        case 0: path[ranges.0]
        case 1: path[ranges.1]
        case 2: path[ranges.2]
        default: path[ranges.3]
        }
    }
}

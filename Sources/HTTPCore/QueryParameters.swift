/// The parameters of a query, as browsers and libraries encode forms, in the order in which they came.
///
/// Nothing is merged: which may be given twice is the endpoint's to say. Names that begin with `_` are passed over, whatever
/// their value: cache busters, of which no route knows.
package struct QueryParameters: Sendable {
    package struct Parameter: Sendable, Hashable {
        package var name: String
        /// Empty for `name=` and for `name` alone.
        package var value: String
    }

    /// A `%` without two hexadecimal digits behind it, in this piece of the query.
    package struct MalformedEncoding: Error, Hashable {
        /// `name=value` as it came.
        package var parameter: String
    }

    private var rest: ArraySlice<UInt8>

    /// Parses `a=1&b=two+words`. Empty pieces (`&&`) are skipped.
    package init(parsing query: ArraySlice<UInt8>) {
        rest = query
    }

    /// The next parameter; nil after the last.
    package mutating func next() throws(MalformedEncoding) -> Parameter? {
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
            let piece = rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            if !piece.isEmpty, piece.first != UInt8(ascii: "_") { return try Self.parameter(piece) }
        }
        return nil
    }

    private static func parameter(_ piece: ArraySlice<UInt8>) throws(MalformedEncoding) -> Parameter {
        let nameEnd = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
        guard let name = PercentEncoding.decodeFormComponent(piece[..<nameEnd]),
            let value = PercentEncoding.decodeFormComponent(piece[nameEnd...].dropFirst())
        else {
            throw MalformedEncoding(parameter: String(decoding: piece, as: UTF8.self))
        }
        return Parameter(name: name, value: value)
    }
}

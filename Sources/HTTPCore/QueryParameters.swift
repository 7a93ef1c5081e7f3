/// The parameters of a query, as browsers and libraries encode forms, in the order in which they came.
///
/// Nothing is merged: which may be given twice is the endpoint's to say. Names that begin with `_` are passed over, whatever
/// their value: cache busters, of which no route knows.
package struct QueryParameters: Sendable, Hashable {
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

    package let parameters: [Parameter]

    /// Parses `a=1&b=two+words`. Empty pieces (`&&`) are skipped.
    package init(parsing query: ArraySlice<UInt8>) throws(MalformedEncoding) {
        var parameters: [Parameter] = []
        var start = query.startIndex
        while start < query.endIndex {
            let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.endIndex
            if start < end, query[start] != UInt8(ascii: "_") {
                parameters.append(try Self.parameter(query[start..<end]))
            }
            start = end + 1
        }
        self.parameters = parameters
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

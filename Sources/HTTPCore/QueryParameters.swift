/// The parameters of a query, as browsers and libraries encode forms, in the order in which they came.
///
/// Nothing is merged or dropped: which may be given twice is the endpoint's to say.
package struct QueryParameters: Sendable, Hashable {
    package struct Parameter: Sendable, Hashable {
        package var name: String
        /// Empty for `name=` and for `name` alone.
        package var value: String
        /// Its name begins with `_`: a cache buster, of which no route knows.
        package var isIgnorable: Bool { name.utf8.first == UInt8(ascii: "_") }
    }

    /// A `%` without two hexadecimal digits behind it, in this piece of the query.
    package struct MalformedEncoding: Error, Hashable {
        package var parameter: String
    }

    package let parameters: [Parameter]

    /// Parses `a=1&b=two+words`. Empty pieces (`&&`) are skipped.
    package init(parsing query: ArraySlice<UInt8>) throws(MalformedEncoding) { fatalError("follows") }
}

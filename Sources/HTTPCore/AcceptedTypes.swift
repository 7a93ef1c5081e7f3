/// What a request's `Accept` fields admit (RFC 9110 §12.5.1). Ranges that are malformed are skipped.
package struct AcceptedTypes: Sendable {
    /// - Parameter values: All lines of `Accept`: `head.values(of: .accept)`. None of them admits everything.
    package init(parsing values: [ArraySlice<UInt8>]) { fatalError("follows") }

    /// The weight in thousandths, 0 to 1000, by the most specific range that matches; `isExplicit` where that names the
    /// very type, rather than `type/*` or `*/*`.
    package func quality(of type: String, _ subtype: String) -> (thousandths: Int, isExplicit: Bool) {
        fatalError("follows")
    }

    /// `application/octet-stream` is named, and weighs more than JSON, or as much as JSON that is not named.
    package var prefersOctetStreamToJSON: Bool { fatalError("follows") }
}

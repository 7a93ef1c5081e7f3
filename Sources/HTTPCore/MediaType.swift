/// A media type (RFC 9110 §8.3.1): `text/plain; charset="utf-8"`.
package struct MediaType: Sendable, Hashable {
    /// In lower case: `text`.
    package var type: String
    /// In lower case: `plain`.
    package var subtype: String
    /// Names in lower case, values as they came, without the quotes.
    package var parameters: [Parameter]

    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// Nil where `value` is not a media type.
    package init?(parsing value: ArraySlice<UInt8>) { fatalError("follows") }

    /// `text/plain`, without parameters.
    package var essence: String { "\(type)/\(subtype)" }
    /// `charset`, in lower case; nil where there is none.
    package var charset: String? { parameters.first { $0.name == "charset" }?.value.lowercased() }
    /// `application/json`, or a subtype that ends in `+json` (RFC 6839 §3.1).
    package var isJSON: Bool { (type == "application" && subtype == "json") || subtype.hasSuffix("+json") }
}

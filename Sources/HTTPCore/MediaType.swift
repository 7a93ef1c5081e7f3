/// A media type (RFC 9110 §8.3.1): `text/plain; charset="utf-8"`.
package struct MediaType: Sendable, Hashable {
    /// `text`: the part before the slash, in lower case.
    package var type: String
    /// `plain`: the part behind it, in lower case.
    package var subtype: String
    /// Names in lower case, values as they came, without the quotes.
    package var parameters: [Parameter]

    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// Nil where `value` is not a media type.
    package init?(parsing value: ArraySlice<UInt8>) {
        var reader = FieldValueReader(value)
        guard let type = reader.lowercaseToken(), reader.take(UInt8(ascii: "/")),
            let subtype = reader.lowercaseToken(), let parameters = reader.parameters(), reader.isAtEnd
        else { return nil }
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// `text/plain`, without parameters.
    package var essence: String { "\(type)/\(subtype)" }

    /// `charset`, in lower case; nil where there is none.
    package var charset: String? { parameters.first { $0.name == "charset" }?.value.lowercased() }

    /// `application/json`, or a subtype that ends in `+json` (RFC 6839 §3.1).
    package var isJSON: Bool {
        (type == "application" && subtype == "json") || subtype.utf8.suffix(5).elementsEqual("+json".utf8)
    }
}

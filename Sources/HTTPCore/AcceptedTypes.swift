/// What a request's `Accept` fields admit (RFC 9110 §12.5.1). Ranges that are malformed are skipped.
package struct AcceptedTypes: Sendable {
    private struct Range {
        var type: String
        var subtype: String
        var thousandths: Int

        /// How closely it names the type: 2 by its name, 1 by `type/*`, 0 by `*/*`; nil where it does not.
        func closeness(to type: String, _ subtype: String) -> Int? {
            if self.type == "*" { return 0 }
            guard self.type == type else { return nil }
            if self.subtype == "*" { return 1 }
            return self.subtype == subtype ? 2 : nil
        }
    }

    private var ranges: [Range] = []

    /// - Parameter values: All lines of `Accept`: `head.values(of: .accept)`. None of them admits everything.
    package init(parsing values: [ArraySlice<UInt8>]) {
        for value in values {
            var reader = FieldValueReader(value)
            while !reader.isAtEnd {
                if let range = Self.range(&reader) { ranges.append(range) }
                reader.skipListMember()
            }
        }
        if ranges.isEmpty { ranges = [Range(type: "*", subtype: "*", thousandths: 1000)] }
    }

    /// The weight in thousandths, 0 to 1000, by the most specific range that matches; `isExplicit` where that names the
    /// very type, rather than `type/*` or `*/*`.
    package func quality(of type: String, _ subtype: String) -> (thousandths: Int, isExplicit: Bool) {
        var closest: (closeness: Int, thousandths: Int) = (-1, 0)
        for range in ranges {
            guard let closeness = range.closeness(to: type, subtype), closeness > closest.closeness else { continue }
            closest = (closeness, range.thousandths)
        }
        return (closest.thousandths, closest.closeness == 2)
    }

    /// `application/octet-stream` is named, and weighs more than JSON, or as much as JSON that is not named.
    package var prefersOctetStreamToJSON: Bool {
        let octetStream = quality(of: "application", "octet-stream")
        let json = quality(of: "application", "json")
        guard octetStream.isExplicit, octetStream.thousandths > 0 else { return false }
        return octetStream.thousandths > json.thousandths
            || (octetStream.thousandths == json.thousandths && !json.isExplicit)
    }

    private static func range(_ reader: inout FieldValueReader) -> Range? {
        reader.skipBlanks()
        // `*` is a character of tokens, so ranges read like types.
        guard let type = reader.lowercaseToken(), reader.take(UInt8(ascii: "/")),
            let subtype = reader.lowercaseToken(), let parameters = reader.parameters()
        else { return nil }
        let weight = parameters.first { $0.name == "q" }?.value ?? "1"
        guard let thousandths = thousandths(weight) else { return nil }
        return Range(type: type, subtype: subtype, thousandths: thousandths)
    }

    /// A weight: 0 to 1 with up to three decimals (RFC 9110 §12.4.2).
    private static func thousandths(_ weight: String) -> Int? {
        let bytes = Array(weight.utf8)
        guard (1...5).contains(bytes.count), let first = bytes.first, ASCII.isDigit(first) else { return nil }
        guard bytes.count == 1 || bytes[1] == UInt8(ascii: ".") else { return nil }
        var sum = Int(first &- 0x30) * 1000
        var place = 100
        for byte in bytes.dropFirst(2) {
            guard ASCII.isDigit(byte) else { return nil }
            sum += Int(byte &- 0x30) * place
            place /= 10
        }
        return sum <= 1000 ? sum : nil
    }
}

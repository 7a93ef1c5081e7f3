/// A backend's address: `memory:`, `sqlite:jobs.db?capacity=5000`, `redis://host:6379/0`.
public struct BackendURL: Sendable, Equatable {
    public let scheme: String
    /// What stands between the scheme and the query, as given: `//host:6379/0`, `jobs.db`, or nothing.
    public let location: String
    /// The query in the order given, percent-decoded.
    public let parameters: [(name: String, value: String)]

    /// - Throws: ``RegistryError`` where `text` has no scheme, or a query that is not `name=value&…`.
    public init(_ text: String) throws(RegistryError) {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
            throw RegistryError("'\(text)' is no backend URL: it must begin with a scheme, as in 'memory:'.")
        }
        scheme = text[..<colon].lowercased()
        let rest = text[text.index(after: colon)...]
        let query = rest.firstIndex(of: "?")
        location = String(rest[..<(query ?? rest.endIndex)])
        var parameters: [(name: String, value: String)] = []
        if let query {
            for pair in rest[rest.index(after: query)...].split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, let name = Self.decode(parts[0]), let value = Self.decode(parts[1]) else {
                    throw RegistryError("'\(pair)' in the backend URL '\(text)' is not 'name=value'.")
                }
                parameters.append((name, value))
            }
        }
        self.parameters = parameters
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.scheme == right.scheme && left.location == right.location
            && left.parameters.elementsEqual(right.parameters, by: ==)
    }

    /// Percent-decoded; nil where that gives no text.
    package static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

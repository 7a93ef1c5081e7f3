/// The content of a message that tells its name, and whether all of it is there: `NAME.PADDING xxx…`, as JSON.
enum NamedContent {
    /// A name that says how much padding its content has.
    static func name(_ name: String, padding: Int) -> String { "\(name).\(padding)" }

    static func json(for name: String) -> String {
        "\"\(name) \(String(repeating: "x", count: padding(of: name)))\""
    }

    /// The name in a message's text; of one that is not whole, a name that nobody sent.
    static func name(in text: String) -> String {
        let name = text.prefix { $0 != " " }
        let rest = text.utf8.dropFirst(name.utf8.count + 1)
        let isWhole = rest.count == padding(of: String(name)) && rest.allSatisfy { $0 == UInt8(ascii: "x") }
        return isWhole ? String(name) : "garbled: \(text.prefix(100))"
    }

    private static func padding(of name: String) -> Int {
        name.split(separator: ".").last.flatMap { Int($0) } ?? 0
    }
}

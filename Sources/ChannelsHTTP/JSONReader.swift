/// Reads the JSON that a route wants as its content: objects, arrays, strings, each by where it stands, so that a message
/// in a batch is taken out byte for byte.
///
/// The whole text is checked first (`init`); after that nothing can go wrong but the kinds of its values.
struct JSONReader {
    let content: [UInt8]
    let root: JSONValue
    fileprivate let depthMax: Int

    /// Checks `content`, or the part of it that is one line of several.
    ///
    /// - Parameter outerLevels: Levels around what may itself be 512 deep: 2 for the messages in an array of entries.
    /// - Throws: ``JSONSyntaxError`` with the offset in `content` where it goes wrong, as ``JSONValidator`` counts.
    init(_ content: [UInt8], range: Range<Int>? = nil, outerLevels: Int = 0) throws(JSONSyntaxError) {
        self.content = content
        depthMax = JSONScanner.depthMax + outerLevels
        let (value, offset) = content.withUnsafeBytes { [depthMax] bytes -> (JSONValue, Int?) in
            var scanner = JSONScanner(bytes, range: range, depthMax: depthMax)
            let value = scanner.scanValue()
            return (value, value.kind == .none || scanner.position < scanner.end ? scanner.position : nil)
        }
        if let offset { throw JSONSyntaxError(offset: offset) }
        root = value
    }

    /// The bytes of a value, as they were sent.
    func bytes(of value: JSONValue) -> ArraySlice<UInt8> {
        content[value.range]
    }

    /// The text of a string with its escapes resolved; a lone surrogate becomes U+FFFD. Nil for another kind of value.
    func text(of value: JSONValue) -> String? {
        guard value.kind == .string else { return nil }
        let inner = content[(value.range.lowerBound + 1)..<(value.range.upperBound - 1)]
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        return JSONEscapes.resolve(inner)
    }

    /// The members of an object in their order; of any other kind of value, none.
    func members(of value: JSONValue) -> JSONMembers {
        JSONMembers(reader: self, value: value)
    }

    /// The elements of an array in their order; of any other kind of value, none.
    func elements(of value: JSONValue) -> JSONElements {
        JSONElements(reader: self, value: value)
    }
}

extension JSONReader {
    /// - Throws: 400 `invalid-json` with the offset where it goes wrong.
    static func checked(
        _ content: [UInt8], range: Range<Int>? = nil, outerLevels: Int = 0
    ) throws(Problem) -> JSONReader {
        do { return try JSONReader(content, range: range, outerLevels: outerLevels) } catch {
            throw .invalidJSON(offset: error.offset)
        }
    }
}

/// Where a content stops being JSON.
struct JSONSyntaxError: Error {
    var offset: Int
}

/// A value in a JSON text: what it is, and where it stands.
struct JSONValue: Sendable {
    enum Kind: Sendable { case object, array, string, number, bool, null, none }

    var kind: Kind
    var range: Range<Int>
}

extension JSONScanner {
    /// Moves past a value and the white space around it; `none` where it is no value, with `position` where it goes wrong.
    fileprivate mutating func scanValue() -> JSONValue {
        skipWhiteSpace()
        let start = position
        let kind: JSONValue.Kind =
            switch next {
            case UInt8(ascii: "{"): .object
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "\""): .string
            case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
            case UInt8(ascii: "n"): .null
            default: .number
            }
        guard skipValue() else { return JSONValue(kind: .none, range: start..<position) }
        let value = JSONValue(kind: kind, range: start..<position)
        skipWhiteSpace()
        return value
    }
}

/// The members of an object, one at a time: a content of many costs no memory for them.
struct JSONMembers: Sequence, IteratorProtocol {
    private let reader: JSONReader
    private var rest: Range<Int>

    fileprivate init(reader: JSONReader, value: JSONValue) {
        self.reader = reader
        let range = value.range
        rest = value.kind == .object ? (range.lowerBound + 1)..<(range.upperBound - 1) : 0..<0
    }

    mutating func next() -> (name: String, value: JSONValue)? {
        let (name, value, end) = reader.content.withUnsafeBytes { bytes -> (JSONValue, JSONValue, Int) in
            var scanner = JSONScanner(bytes, range: rest, depthMax: reader.depthMax)
            _ = scanner.skip(UInt8(ascii: ","))
            scanner.skipWhiteSpace()
            let start = scanner.position
            guard scanner.skipString() else { return (.nothing, .nothing, scanner.end) }
            let name = JSONValue(kind: .string, range: start..<scanner.position)
            scanner.skipWhiteSpace()
            _ = scanner.skip(UInt8(ascii: ":"))
            return (name, scanner.scanValue(), scanner.position)
        }
        rest = end..<rest.upperBound
        return reader.text(of: name).map { ($0, value) }
    }
}

/// The elements of an array, one at a time.
struct JSONElements: Sequence, IteratorProtocol {
    private let reader: JSONReader
    private var rest: Range<Int>

    fileprivate init(reader: JSONReader, value: JSONValue) {
        self.reader = reader
        let range = value.range
        rest = value.kind == .array ? (range.lowerBound + 1)..<(range.upperBound - 1) : 0..<0
    }

    mutating func next() -> JSONValue? {
        let (value, end) = reader.content.withUnsafeBytes { bytes -> (JSONValue, Int) in
            var scanner = JSONScanner(bytes, range: rest, depthMax: reader.depthMax)
            _ = scanner.skip(UInt8(ascii: ","))
            return (scanner.scanValue(), scanner.position)
        }
        rest = end..<rest.upperBound
        return value.kind == .none ? nil : value
    }
}

extension JSONValue {
    fileprivate static let nothing = JSONValue(kind: .none, range: 0..<0)
}

import Testing

@testable import HTTPCore

@Suite("Percent-encoding and forms")
struct EncodingTests {
    @Test(
        "A segment is decoded by percent alone, a form's component also by plus",
        arguments: [
            ("", "", ""), ("abc", "abc", "abc"), ("a+b", "a+b", "a b"), ("a%2Fb%2f", "a/b/", "a/b/"), ("%2B", "+", "+"),
            ("%25%32%35", "%25", "%25"), ("%00", "\0", "\0"), ("%C3%A9", "é", "é"), ("%FF", "\u{FFFD}", "\u{FFFD}"),
        ])
    func decode(encoded: String, segment: String, component: String) {
        let bytes = Array("?\(encoded)&".utf8)[1..<1 + encoded.utf8.count]
        #expect(PercentEncoding.decodeSegment(bytes) == segment)
        #expect(PercentEncoding.decodeFormComponent(bytes) == component)
    }

    @Test(
        "A percent sign without two hexadecimal digits is refused",
        arguments: ["%", "%2", "a%", "%%20", "%g0", "%0g", "% 2"])
    func malformed(encoded: String) {
        #expect(PercentEncoding.decodeSegment(Array(encoded.utf8)[...]) == nil)
        #expect(PercentEncoding.decodeFormComponent(Array(encoded.utf8)[...]) == nil)
    }

    @Test("All but unreserved characters are encoded, and decoding gives them back")
    func encode() {
        #expect(PercentEncoding.encode("a-Z_0.9~") == "a-Z_0.9~")
        #expect(PercentEncoding.encode("a/b c%é") == "a%2Fb%20c%25%C3%A9")
        let all = String((0...0x7F).map { Character(Unicode.Scalar($0)) })
        #expect(PercentEncoding.decodeSegment(Array(PercentEncoding.encode(all).utf8)[...]) == all)
        #expect(PercentEncoding.decodeFormComponent(Array(PercentEncoding.encode(all).utf8)[...]) == all)
    }

    @Test(
        "A query is read in order, with nothing merged",
        arguments: [
            ("", []), ("a", ["a="]), ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]), ("&&a=1&", ["a=1"]), ("a=b=c", ["a=b=c"]),
            ("=1", ["=1"]), ("a%3Db=c%26d", ["a=b=c&d"]), ("a=1+2%2B3", ["a=1 2+3"]), ("a=?", ["a=?"]),
            ("a;b=1", ["a;b=1"]),
        ])
    func query(text: String, parameters: [String]) throws {
        #expect(try Self.parameters(of: text).map { "\($0.name)=\($0.value)" } == parameters)
    }

    @Test("A malformed piece of a query is named")
    func malformedQuery() {
        #expect(throws: QueryParameters.MalformedEncoding(parameter: "b=%2")) {
            try Self.parameters(of: "a=1&b=%2&c=3")
        }
        #expect(throws: QueryParameters.MalformedEncoding(parameter: "%=1")) {
            try Self.parameters(of: "%=1")
        }
    }

    @Test("Names that begin with an underscore are cache busters, whatever their value")
    func ignorable() throws {
        #expect(try Self.parameters(of: "_=50%&_t=2&a_=3").map(\.name) == ["a_"])
    }

    private static func parameters(
        of query: String
    ) throws(QueryParameters.MalformedEncoding) -> [QueryParameters.Parameter] {
        var reader = QueryParameters(parsing: Array(query.utf8)[...])
        var parameters: [QueryParameters.Parameter] = []
        while let parameter = try reader.next() { parameters.append(parameter) }
        return parameters
    }

    @Test("The character sets are the RFCs'")
    func characterSets() {
        let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        let visible = String((0x21...0x7E).map { Character(Unicode.Scalar($0)) })
        for byte in UInt8.min...UInt8.max {
            let character = Character(Unicode.Scalar(byte))
            func isIn(_ text: String) -> Bool { byte < 0x80 && text.contains(character) }
            #expect(ASCII.token.contains(byte) == isIn(alphanumeric + "!#$%&'*+-.^_`|~"))
            #expect(ASCII.unreserved.contains(byte) == isIn(alphanumeric + "-._~"))
            #expect(ASCII.targetBeforeQuery.contains(byte) == (isIn(visible) && !isIn("#?")))
            #expect(Authority.registeredName.contains(byte) == isIn(alphanumeric + "-._~!$&'()*+,;="))
            #expect(
                ASCII.hexValue(byte).map(Int.init) == (isIn("0123456789abcdefABCDEF") ? character.hexDigitValue : nil))
        }
    }

    @Test("A control character in a field value is found wherever it stands")
    func fieldContent() {
        for count in 0...20 {
            for place in 0..<max(count, 1) {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: 0xE9, count: count)
                    if count > 0 { bytes[place] = byte }
                    let isControl = byte != 9 && (byte < 0x20 || byte == 0x7F)
                    let end = bytes.withUnsafeBytes { ASCII.endOfFieldContent(in: $0, from: 0) }
                    #expect(end == (isControl && count > 0 ? place : count))
                }
            }
        }
    }
}

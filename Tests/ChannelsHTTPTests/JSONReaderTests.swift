import Testing

@testable import ChannelsHTTP

@Suite("JSON that a route wants is read by where its values stand")
struct JSONReaderTests {
    private func reader(_ text: String) throws -> JSONReader { try JSONReader(Array(text.utf8)) }

    @Test("Members come in their order, with their bytes as they were sent")
    func members() throws {
        let json = try reader(#" { "a" : 1.50 , "b\u0021":[ 1, 2 ],"c":{"d":{}} , "":null,"e":"\ud800" } "#)
        let members = json.members(of: json.root).map {
            ($0.name, String(decoding: json.bytes(of: $0.value), as: UTF8.self))
        }
        #expect(members.map(\.0) == ["a", "b!", "c", "", "e"])
        #expect(members.map(\.1) == ["1.50", "[ 1, 2 ]", #"{"d":{}}"#, "null", #""\ud800""#])
    }

    @Test("Elements come in their order, whatever white space is around them")
    func elements() throws {
        let json = try reader("[1,\n\"two\" , [3] ,{ } ]")
        let elements = json.elements(of: json.root).map { String(decoding: json.bytes(of: $0), as: UTF8.self) }
        #expect(elements == ["1", "\"two\"", "[3]", "{ }"])
        for empty in ["[]", "[ ]", "{}", "1", "\"[1]\""] {
            let json = try reader(empty)
            #expect(json.elements(of: json.root).map(\.kind) == [])
            #expect(json.members(of: json.root).map(\.name) == [])
        }
    }

    @Test(
        "Escapes are resolved",
        arguments: [
            (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u0041\u00e9\u20AC""#, "Aé€"),
            (#""\ud83d\ude00""#, "😀"), (#""\ud800""#, "\u{FFFD}"), (#""\ud800x""#, "\u{FFFD}x"),
            (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"),
            (#""\ud800\u0041""#, "\u{FFFD}A"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), ("\"é😀\"", "é😀"), (#""""#, ""),
        ])
    func escapes(text: String, expected: String) throws {
        let json = try reader(text)
        #expect(json.text(of: json.root) == expected)
    }

    @Test("A line of several is read for itself, and errors are counted from the start of the content")
    func lines() throws {
        let content = Array("[1]\n[2,]\n".utf8)
        let first = try JSONReader(content, range: 0..<3)
        #expect(first.elements(of: first.root).map { Array(first.bytes(of: $0)) } == [[UInt8(ascii: "1")]])
        #expect(throws: JSONSyntaxError.self) { try JSONReader(content, range: 4..<8) }
        do { _ = try JSONReader(content, range: 4..<8) } catch { #expect(error.offset == 7) }
        do { _ = try JSONReader(content, range: 4..<6) } catch { #expect(error.offset == 6) }
        do { _ = try JSONReader(content, range: 0..<5) } catch { #expect(error.offset == 4) }
    }
}

@Suite("JSON is written")
struct JSONWriterTests {
    private func written(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        write(&json)
        return String(decoding: json.takeBytes(), as: UTF8.self)
    }

    @Test("Commas stand where they belong")
    func commas() {
        let text = written { json in
            json.object { json in
                json.name("a")
                json.integer(1)
                json.name("b")
                json.array(of: [1, 2, 3]) { $0.integer($1) }
                json.name("c")
                json.object { _ in }
                json.name("d")
                json.null()
            }
        }
        #expect(text == #"{"a":1,"b":[1,2,3],"c":{},"d":null}"#)
    }

    @Test("Strings are escaped, and come back from another decoder as they were")
    func strings() throws {
        let text = String(String.UnicodeScalarView((0...0x300).compactMap(Unicode.Scalar.init))) + "\u{2028}😀"
        let json = written { $0.string(text) }
        #expect(try Tree(json: Array(json.utf8)) == .string(text))
        #expect(json.hasPrefix(#""\u0000\u0001"#))
        for escaped in [#"\b\t\n\u000b\f\r"#, ##"!\"#"##, #"[\\]"#] { #expect(json.contains(escaped)) }
    }

    @Test("Integers, also the outermost", arguments: [0, 1, -1, 10, 907, Int.max, Int.min])
    func integers(value: Int) {
        #expect(written { $0.integer(value) } == "\(value)")
    }

    @Test(
        "Seconds have a fraction where it takes one",
        arguments: [
            (Duration.zero, "0"), (.seconds(12), "12"), (.milliseconds(250), "0.25"), (.milliseconds(1500), "1.5"),
            (.microseconds(1), "0.000001"), (.nanoseconds(999), "0"), (.seconds(1_000_000_000), "1000000000"),
            (.milliseconds(-5), "0"), (.microseconds(10_000_001), "10.000001"),
        ])
    func seconds(duration: Duration, expected: String) {
        #expect(written { $0.seconds(duration) } == expected)
    }
}

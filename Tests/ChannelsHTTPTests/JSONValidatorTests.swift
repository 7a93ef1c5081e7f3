import ChannelsHTTP
import Testing

@Suite("JSON is checked as RFC 8259 has it")
struct JSONValidatorTests {
    @Test("A JSON text passes", arguments: valid)
    func passes(text: String) {
        #expect(JSONValidator.firstError(in: Array(text.utf8)) == nil)
    }

    @Test("What is no JSON text is refused where it goes wrong", arguments: invalid)
    func isRefused(text: String, offset: Int) {
        #expect(JSONValidator.firstError(in: Array(text.utf8)) == offset)
    }

    @Test("Bytes that are not UTF-8 are refused at the byte that cannot go on", arguments: illFormed)
    func isRefusedAsIllFormed(inner: [UInt8], offset: Int) {
        let quote = UInt8(ascii: "\"")
        #expect(JSONValidator.firstError(in: [quote] + inner + [quote]) == 1 + offset)
        // The same further in, so that the eight bytes at a time are crossed at every place.
        for lead in 0..<9 {
            let pad = [UInt8](repeating: UInt8(ascii: "x"), count: lead)
            #expect(JSONValidator.firstError(in: [quote] + pad + inner + [quote]) == 1 + lead + offset)
        }
    }

    @Test("The offset is the end of the longest beginning that some JSON text has", arguments: invalid)
    func offsetIsWhereItBreaksOff(text: String, offset: Int) {
        let beginning = Array(text.utf8.prefix(offset))
        let error = JSONValidator.firstError(in: beginning)
        #expect(error == nil || error == offset, "what precedes the error is not itself at fault")
    }

    @Test("Special characters are found wherever they stand among plain ones", arguments: 0..<24)
    func specialCharactersAreFound(at place: Int) {
        let plain = Array("\"abcdefghijklmnopqrstuvwx\"".utf8)
        for bad: UInt8 in [0x00, 0x0A, 0x1F, 0x80, 0xFF, UInt8(ascii: "\""), UInt8(ascii: "\\")] {
            var text = plain
            text[1 + place] = bad
            let error = JSONValidator.firstError(in: text)
            switch bad {
            case UInt8(ascii: "\""): #expect(error == 2 + place)
            case UInt8(ascii: "\\"):
                let next = text[2 + place]
                let isEscape = "bfnrt\"".utf8.contains(next)
                let isUnicode = next == UInt8(ascii: "u")
                if isUnicode { #expect(error == 3 + place) } else if !isEscape { #expect(error == 2 + place) }
            default: #expect(error == 1 + place)
            }
        }
        for good: UInt8 in [0x20, 0x7F, 0x21, 0x23, 0x5B, 0x5D, 0x7E] {
            var text = plain
            text[1 + place] = good
            #expect(JSONValidator.firstError(in: text) == nil)
        }
    }

    @Test("512 levels pass, 513 do not")
    func depth() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            func nested(_ depth: Int, inner: String) -> [UInt8] {
                Array((String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)).utf8)
            }
            #expect(JSONValidator.firstError(in: nested(512, inner: "1")) == nil)
            #expect(JSONValidator.firstError(in: nested(513, inner: "1")) == 512 * open.utf8.count)
        }
        let million = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(JSONValidator.firstError(in: million) == 512)
    }

    @Test("Arrays and objects that alternate close as they opened")
    func mixedNesting() {
        let text = String(repeating: "[{\"a\":", count: 200) + "null" + String(repeating: "}]", count: 200)
        #expect(JSONValidator.firstError(in: Array(text.utf8)) == nil)
        let wrong = String(repeating: "[{\"a\":", count: 200) + "null" + String(repeating: "]}", count: 200)
        #expect(JSONValidator.firstError(in: Array(wrong.utf8)) == 200 * 6 + 4)
    }
}

private let valid = [
    "null", "true", "false", "0", "-0", "-0.0", "1e5", "1E+5", "1.25e-3", "9007199254740993",
    "123456789012345678901234567890",
    "\"\"", "\"a\"", "\" \"", "\"\u{7F}\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\\ud800\"",
    "\"\\uDFFF\\uD800\"",
    "\"\\ud83d\\ude00\"", "\"é\"", "\"€\"", "\"\u{1F600}\"", "\"\u{2028}\u{2029}\"", "\"\u{FEFF}\"", "\"\u{10FFFF}\"",
    "\"\\u0000\"",
    "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[],[[]],{}]", "[\"a\",null,true,false,1,{\"b\":[]}]",
    "{}", "{ }", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : 2 }", "{\"\":0}", "{\"a\":1,\"a\":2}",
    "{\"a\":{\"b\":{\"c\":[]}}}",
    " 1", "1 ", "\t\r\n [\n\t1\r]\n", "\"" + String(repeating: "plain text, long enough. ", count: 50) + "\"",
]

private let invalid: [(String, Int)] = [
    ("", 0), (" ", 1), ("\n\t", 2), ("\u{FEFF}1", 0), ("x", 0), ("'a'", 0), ("\u{0C}1", 0), ("\u{A0}1", 0),
    ("nul", 3), ("nulL", 3), ("nullx", 4), ("tru", 3), ("truE", 3), ("fals3", 4), ("True", 0), ("NaN", 0),
    ("Infinity", 0),
    ("undefined", 0), ("1 2", 2), ("1,", 1), ("[] []", 3), ("{}x", 2), ("null//", 4), ("/*a*/1", 0),
    ("-", 1), ("-x", 1), ("+1", 0), ("01", 1), ("-01", 2), ("00", 1), ("1.", 2), ("1.x", 2), (".5", 0), ("1e", 2),
    ("1e+", 3),
    ("1e+-1", 3), ("1ee1", 2), ("1.5.5", 3), ("0x10", 1), ("1_000", 1), ("-Infinity", 1), ("--1", 1), ("1e5.5", 3),
    ("\"", 1), ("\"a", 2), ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\u{0}\"", 1), ("\"\\", 2), ("\"\\x\"", 2),
    ("\"\\U0041\"", 2),
    ("\"\\u\"", 3), ("\"\\u12\"", 5), ("\"\\u12g4\"", 5), ("\"\\u123", 6), ("\"a\"b", 3), ("\"a\"\"b\"", 3),
    ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[,]", 1), ("[1 2]", 3), ("[1,,2]", 3), ("[1}", 2),
    ("]", 0),
    ("[\"a\":1]", 4), ("[1]]", 3), ("[[1]", 4), ("[1;2]", 2),
    ("{", 1), ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":1", 6), ("{\"a\":1,", 7), ("{\"a\":1,}", 7), ("{,}", 1),
    ("{1:2}", 1),
    ("{a:1}", 1), ("{'a':1}", 1), ("{\"a\" 1}", 5), ("{\"a\",1}", 4), ("{\"a\":}", 5), ("{\"a\":1]", 6), ("}", 0),
    ("{\"a\":1 \"b\":2}", 7), ("{\"a\":1,,\"b\":2}", 7), ("{\"a\"::1}", 5), ("{\"a\":1}}", 7), ("{null:1}", 1),
    ("{[]:1}", 1),
]

private let illFormed: [([UInt8], Int)] = [
    ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFE], 0),
    ([0xFF], 0),
    ([0xC3], 1), ([0xC3, 0x28], 1), ([0xE0, 0x80, 0x80], 1), ([0xE0, 0x9F, 0xBF], 1), ([0xE2, 0x82], 2),
    ([0xE2, 0x28, 0xA1], 1),
    ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1), ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1),
    ([0xF0, 0x9F, 0x98], 3), ([0xF0, 0x9F, 0x28, 0x80], 2), ([0xF4, 0x90, 0x80, 0x80], 1),
    ([0xF0, 0x28, 0x8C, 0xBC], 1),
    ([0xC3, 0xA9, 0xA9], 2),
]

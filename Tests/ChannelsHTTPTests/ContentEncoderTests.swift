import Foundation
import HTTPCore
import Testing

@testable import ChannelsHTTP

@Suite("Payloads are encoded while they are written")
struct ContentEncoderTests {
    @Test(
        "Base64 is that of RFC 4648",
        arguments: zip(
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"],
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]))
    func base64Vectors(text: String, expected: String) {
        var encoder = Base64Encoder(Array(text.utf8))
        #expect(encoder.byteCount == expected.utf8.count)
        #expect(String(decoding: encoder.allBytes(step: 100), as: UTF8.self) == expected)
    }

    @Test("Base64 is the same in whatever steps", arguments: [4, 5, 7, 64, 1000])
    func base64InSteps(step: Int) {
        for count in [0, 1, 2, 3, 47, 48, 49, 300, 767] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
            var encoder = Base64Encoder(bytes)
            let made = encoder.allBytes(step: step)
            #expect(String(decoding: made, as: UTF8.self) == Data(bytes).base64EncodedString())
            #expect(made.count == encoder.byteCount)
        }
    }

    @Test("Text becomes a JSON string in whatever steps", arguments: [6, 7, 8, 13, 64, 1000])
    func textInSteps(step: Int) throws {
        let texts = [
            "", "a", "plain text of more than eight bytes", "é😀€", "\"quoted\"\\", "\u{0}\u{1F}\u{7F}\n\r\t",
            String(repeating: "abc\n", count: 60), String(repeating: "\u{1}", count: 40), "12345678\"", "1234567é8",
        ]
        for text in texts {
            var encoder = try #require(JSONStringEncoder(Array(text.utf8)))
            let made = encoder.allBytes(step: step)
            #expect(made.count == encoder.byteCount)
            #expect(try Tree(json: [UInt8(ascii: "\"")] + made + [UInt8(ascii: "\"")]) == .string(text))
        }
    }

    @Test("What is not UTF-8 is no text")
    func notText() {
        for bytes: [UInt8] in [
            [0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [UInt8](repeating: 0x61, count: 20) + [0x80],
        ] {
            #expect(JSONStringEncoder(bytes) == nil)
        }
    }
}

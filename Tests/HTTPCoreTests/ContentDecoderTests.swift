import Testing

@testable import HTTPCore

@Suite("A chunked content is taken apart")
struct ContentDecoderTests {
    static let valid: [(text: String, content: String)] = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("A\r\n0123456789\r\n00\r\n\r\n", "0123456789"),
        ("9\r\n0\r\n\r\n5\r\n.\r\n0\r\n\r\n", "0\r\n\r\n5\r\n."),
        ("0000000000000001\r\nx\r\n0\r\n\r\n", "x"),
        ("1;a\r\nx\r\n0;b=\"c;d\"\r\n\r\n", "x"),
        ("1 \t; a = b\r\nx\r\n0\r\n\r\n", "x"),
        ("1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", "x"),
    ]

    static let malformed = [
        "\r\n", "g\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "0x1\r\n", "1\nx\r\n", "1\rx", "1 \r\nx\r\n", "1;a\nx",
        "1;a\0\r\n",
        "1;a\u{7F}\r\n", "1\r\nxy\r\n", "1\r\nx\n", "1\r\nx\rx", "1\r\nx0\r\n\r\n", "00000000000000001\r\nx\r\n",
        "1,\r\n",
        "0\r\n X: y\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n: y\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX: y\0\r\n\r\n",
        "0\r\nX\r\n",
        "0\r\n\n", "0\r\n\rX", "0\r\nX: y\rX",
    ]

    @Test("Its content is what the chunks hold, and what follows it is left", arguments: valid)
    func decoded(text: String, content: String) {
        let outcome = decode(Array("\(text)GET /".utf8))
        #expect(outcome.progress == .done(consumed: text.utf8.count))
        #expect(String(decoding: outcome.content, as: UTF8.self) == content)
    }

    @Test("Broken framing is 400", arguments: malformed)
    func refused(text: String) {
        guard case .rejected(let rejection) = decode(Array(text.utf8)).progress else {
            Issue.record("\(text.debugDescription): \(decode(Array(text.utf8)).progress)")
            return
        }
        #expect(rejection.status == 400)
    }

    @Test("It is judged the same whole, one byte at a time, and cut in two anywhere")
    func cuts() {
        for text in Self.valid.map(\.text) + Self.malformed {
            let bytes = Array(text.utf8)
            let whole = decode(bytes)
            for cuts in everyCut(of: bytes.count) {
                #expect(decode(bytes, cuts: cuts) == whole, "\(text.debugDescription) cut at \(cuts)")
            }
        }
    }

    @Test("A content of exactly the limit is taken, a chunk that would exceed it is 413 by its size line")
    func contentLimit() {
        let chunks = Array("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8)
        #expect(decode(chunks, contentBytesMax: 5).progress == .done(consumed: chunks.count))
        let over = decode(chunks, contentBytesMax: 4)
        #expect(over.progress == .rejected(.contentTooLarge(limit: 4, actual: nil)))
        #expect(over.content == Array("abc".utf8))
        #expect(
            decode(Array("5".utf8), contentBytesMax: 4).progress == .rejected(.contentTooLarge(limit: 4, actual: nil)))
    }

    @Test("A size beyond what a number holds is 413", arguments: [1_000, Int.max])
    func sizeOverflow(contentBytesMax: Int) {
        for size in ["ffffffffffffffff", "8000000000000000"] {
            let outcome = decode(Array("\(size)\r\n".utf8), contentBytesMax: contentBytesMax)
            #expect(outcome.progress == .rejected(.contentTooLarge(limit: contentBytesMax, actual: nil)))
        }
    }

    @Test("Extensions of all chunks together, and the trailer section, are bounded")
    func limits() {
        var limits = HTTPLimits()
        limits.chunkExtensionBytesMax = 6
        limits.trailerBytesMax = 8
        #expect(
            decode(Array("1;ab\r\nx\r\n1;a\r\nx\r\n0;\r\n\r\n".utf8), limits: limits).progress == .done(consumed: 23))
        guard case .rejected(.badRequest) = decode(Array("1;ab\r\nx\r\n1;ab\r\nx\r\n0;".utf8), limits: limits).progress
        else {
            Issue.record("extensions over their limit were taken")
            return
        }
        #expect(decode(Array("0\r\nX: y\r\n\r\n".utf8), limits: limits).progress == .done(consumed: 11))
        #expect(
            decode(Array("0\r\nX: yz\r\n\r\n".utf8), limits: limits).progress == .rejected(.headTooLarge(limit: 8)))
    }

    @Test("Many chunks of any size, in pieces of any size, come out as they went in")
    func randomChunks() {
        let seed = UInt64.random(in: 1...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for round in 0..<300 {
            var content: [UInt8] = []
            var chunks: [UInt8] = []
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                let chunk = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                content += chunk
                chunks += Array(String(chunk.count, radix: 16, uppercase: Bool.random(using: &random)).utf8)
                chunks += [13, 10] + chunk + [13, 10]
            }
            chunks += Array("0\r\n\r\n".utf8)
            let cuts = random.cuts(of: chunks.count, limit: 40)
            let outcome = decode(chunks, cuts: cuts, contentBytesMax: content.count)
            #expect(outcome.content == content, "seed \(seed), round \(round)")
            #expect(outcome.progress == .done(consumed: chunks.count), "seed \(seed), round \(round)")
        }
    }

    @Test("Flipped bytes never make it crash or answer otherwise in pieces")
    func mutations() {
        let seed = UInt64.random(in: 1...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let texts = Self.valid.map(\.text) + Self.malformed
        for round in 0..<3_000 {
            var bytes = Array(texts[Int.random(in: 0..<texts.count, using: &random)].utf8)
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            let whole = decode(bytes, contentBytesMax: 12)
            let single = Array(1..<max(bytes.count, 1))
            #expect(decode(bytes, cuts: single, contentBytesMax: 12) == whole, "seed \(seed), round \(round): \(bytes)")
        }
    }
}

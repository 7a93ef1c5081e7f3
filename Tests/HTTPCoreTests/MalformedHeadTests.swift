import Testing

@testable import HTTPCore

@Suite("A head that breaks a rule is refused")
struct MalformedHeadTests {
    /// Each with the status that it gets.
    static let cases: [(text: String, status: Int)] = [
        // Request line (RFC 9112 §3)
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400), ("GET /\r\n\r\n", 400), ("GET\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501), ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (String(repeating: "A", count: 33), 501), ("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        // Request target (RFC 9112 §3.2)
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://a:b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        // Field lines (RFC 9112 §5, RFC 9110 §5.5)
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n\rX", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX@: z\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX\u{E9}: z\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1234567\u{7F}\r\n\r\n", 400), ("GET / HTTP/1.1\r\nX\0: a\r\n\r\n", 400),
        // Host (RFC 9112 §3.2)
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a,b\r\nHost: c\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", 400),
        // Framing (RFC 9112 §6)
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1.0\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
        ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked, gzip\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", 501),
        // What is well formed, but not done here
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n\r\n", 415),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n\r\n", 415),
        ("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
        ("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\nContent-Length: 1\r\n\r\n", 417),
        // Bytes that are no request
        ("\u{16}\u{3}\u{1}", 400), ("GARBAGE\0", 400), ("\0", 400), ("{\"a\":1}", 400), ("\u{FEFF}GET", 400),
    ]

    static let valid = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET /a?b HTTP/1.1\r\nHost:\r\nAccept:*/*\r\n\r\n",
        "OPTIONS / HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\nUser-Agent: \u{E9}\t!\r\n\r\n",
        "GET http://a.example HTTP/1.1\r\nHost: b%20c_d:\r\nX-Request-Id: abc\r\nOrigin: null\r\n\r\n",
        "CONNECT [v1.a]:1 HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n",
        "POST /channels/x HTTP/1.1\r\nhOST: a\r\nContent-Type: application/json\r\nContent-Length: 54\r\nX:    \r\n\r\nbody",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n5\r\n",
        "PUT / HTTP/1.0\r\nExpect: anything\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
        "DELETE / HTTP/1.7\r\nHost: a\r\nContent-Encoding: IDENTITY\r\nPrefer: wait=3\r\nPrefer: a\r\n\r\n",
    ]

    @Test("It gets the status of the rule that it breaks", arguments: cases)
    func refused(text: String, status: Int) {
        #expect(parse(text).status == status, "\(text.debugDescription)")
    }

    @Test("It is judged the same whole, one byte at a time, and cut in two anywhere")
    func cuts() {
        for text in Self.cases.map(\.text) + Self.valid {
            let bytes = Array(text.utf8)
            let whole = parse(bytes)
            for cuts in everyCut(of: bytes.count) {
                #expect(parse(bytes, cuts: cuts) == whole, "\(text.debugDescription) cut at \(cuts)")
            }
        }
    }

    @Test("A valid head is let in", arguments: valid)
    func letIn(text: String) {
        guard case .head = parse(text) else {
            Issue.record("\(text.debugDescription): \(parse(text))")
            return
        }
    }

    @Test(
        "What can never become a request is refused at the byte that makes it so",
        arguments: [
            ("\u{16}", "\u{3}\u{1}"), ("GARBAGE\0", ""), ("GET /\r", "\n\r\n"), ("GET / HTTP/2.0", "\r\n"),
            ("GET / HTTP/1.1\r\nHost ", ": a"), ("GET / HTTP/1.1\r\n ", ""), ("GET / HTTX", ""), ("GET x", " HTTP"),
        ])
    func atOnce(refused: String, rest: String) {
        #expect(parse(String(refused.unicodeScalars.dropLast())) == .needsMore)
        #expect(parse(refused).status != nil)
        #expect(parse(refused) == parse(refused + rest))
    }

    @Test(
        "A head that is complete comes with its refusal, for the answer's sake",
        arguments: [
            ("BREW /a HTTP/1.1\r\nHost: a\r\nOrigin: o\r\n\r\n", HTTPRejection.unknownMethod),
            ("PUT /a HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nContent-Encoding: br\r\n\r\n", .unsupportedContentEncoding),
            ("PUT /a HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nExpect: x\r\n\r\n", .expectationFailed),
            ("PUT /a HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nTransfer-Encoding: gzip\r\n\r\n", .unknownTransferEncoding),
        ])
    func headOfRefusal(text: String, expected: HTTPRejection) throws {
        guard case .rejected(expected, let head?) = parse(text) else {
            Issue.record("\(parse(text))")
            return
        }
        #expect(head.path == "/a")
        #expect(head.fields.contains("Origin: o"))
    }

    @Test("Flipped, lost and doubled bytes never make it crash or answer otherwise in pieces")
    func mutations() {
        let seed = UInt64.random(in: 1...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let texts = Self.valid + Self.cases.map(\.text)
        for round in 0..<5_000 {
            var bytes = Array(texts[Int.random(in: 0..<texts.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[place] = [0, 9, 10, 13, 32, 35, 44, 58, 63, 127, 255].randomElement(using: &random)!
                case 2: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            var limits = HTTPLimits()
            limits.headBytesMax = Int.random(in: 20...120, using: &random)
            limits.targetBytesMax = Int.random(in: 1...30, using: &random)
            limits.fieldLinesMax = Int.random(in: 1...4, using: &random)
            let whole = parse(bytes, limits: limits)
            let single = bytes.isEmpty ? [] : Array(1..<bytes.count)
            #expect(parse(bytes, cuts: single, limits: limits) == whole, "seed \(seed), round \(round): \(bytes)")
            let cuts = random.cuts(of: bytes.count, limit: 6)
            #expect(
                parse(bytes, cuts: cuts, limits: limits) == whole, "seed \(seed), round \(round): \(bytes) at \(cuts)")
        }
    }
}

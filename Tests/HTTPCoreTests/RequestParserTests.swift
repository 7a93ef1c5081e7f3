import Testing

@testable import HTTPCore

@Suite("A request head is read")
struct RequestParserTests {
    @Test("A head's parts are read, and the bytes behind it are left")
    func parts() throws {
        let text =
            "POST /channels/a%2Fb?expiry=5&x HTTP/1.1\r\nHost: h:8080\r\nContent-Length: 4\r\nX-A:\t1 2 \t\r\n\r\nbody"
        guard case .head(let head, let consumed) = parse(text) else {
            Issue.record("no head")
            return
        }
        #expect(consumed == text.utf8.count - 4)
        #expect(head.method == .post)
        #expect(head.path == "/channels/a%2Fb")
        #expect(head.query == "expiry=5&x")
        #expect(head.fields == ["Host: h:8080", "Content-Length: 4", "X-A: 1 2"])
        #expect(head.framing == .length(4))
        #expect(head.authority == "h:8080")
        #expect(!head.isAbsoluteForm)
        #expect(head.version == .http11)
        #expect(head.keepsAlive)
        #expect(!head.expectsContinue)
    }

    @Test(
        "A target's path and query are taken as they came",
        arguments: [
            ("GET /", "/", ""),
            ("GET /?", "/", ""),
            ("GET /a?b?c", "/a", "b?c"),
            ("GET /../%2e%2E//;a=b", "/../%2e%2E//;a=b", ""),
            ("GET /channels/a|b{}\"<>\\^`", "/channels/a|b{}\"<>\\^`", ""),
            ("OPTIONS *", "*", ""),
            ("GET http://example.com/a?b", "/a", "b"),
            ("GET HTTP://Example.com:80", "/", ""),
            ("GET https://[::1]:8080?q=/", "/", "q=/"),
            ("OPTIONS http://example.com", "*", ""),
            ("OPTIONS http://example.com/", "/", ""),
            ("CONNECT example.com:443", "*", ""),
        ])
    func targets(line: String, path: String, query: String) {
        for host in ["Host: x\r\n\r\n", "Host: x\r\nX-Long: \(String(repeating: "v", count: 90))\r\n\r\n"] {
            guard case .head(let head, let consumed) = parse("\(line) HTTP/1.1\r\n\(host)") else {
                Issue.record("no head: \(line)")
                continue
            }
            #expect(head.path == path)
            #expect(head.query == query)
            #expect(consumed == "\(line) HTTP/1.1\r\n\(host)".utf8.count)
        }
    }

    @Test("The authority of a target in absolute form counts more than Host")
    func authority() throws {
        let head = try #require(parsedHead("GET http://a.example:81/ HTTP/1.1\r\nHost: b.example\r\n\r\n"))
        #expect(head.authority.map { String(decoding: $0, as: UTF8.self) } == "a.example:81")
        #expect(head.isAbsoluteForm)
    }

    @Test(
        "Whether a connection goes on is read from version and Connection",
        arguments: [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "connection: a, CLOSE ,b\r\n", false),
            ("1.1", "Connection: closed\r\n", true), ("1.0", "", false), ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive\r\nConnection: close\r\n", false), ("1.2", "", true), ("1.9", "", true),
        ])
    func keepAlive(version: String, fields: String, keepsAlive: Bool) throws {
        let head = try #require(parsedHead("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"))
        #expect(head.keepsAlive == keepsAlive)
        #expect(head.version == (version == "1.0" ? .http10 : .http11))
    }

    @Test(
        "100-continue is expected only by HTTP/1.1 with a content to come",
        arguments: [
            ("1.1", "Content-Length: 1", true), ("1.1", "Transfer-Encoding: Chunked", true),
            ("1.1", "Content-Length: 0", false), ("1.1", "X: y", false), ("1.0", "Content-Length: 1", false),
        ])
    func expectation(version: String, field: String, expects: Bool) throws {
        let head = try #require(
            parsedHead("PUT / HTTP/\(version)\r\nHost: a\r\nExpect: 100-Continue\r\n\(field)\r\n\r\n"))
        #expect(head.expectsContinue == expects)
    }

    @Test(
        "Framing is judged (RFC 9112 §6.3)",
        arguments: [
            ("X: y", ContentFraming.none), ("Content-Length: 0", .length(0)), ("content-length:  0042 ", .length(42)),
            ("Content-Length: 9223372036854775807", .length(Int.max)),
            ("Content-Length: 9223372036854775808", .length(Int.max)),
            ("Content-Length: 99999999999999999999999999", .length(Int.max)),
            ("TRANSFER-ENCODING: chunked", .chunked), ("Transfer-Encoding: , chunked ,", .chunked),
        ])
    func framing(field: String, framing: ContentFraming) throws {
        #expect(try #require(parsedHead("PUT / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")).framing == framing)
    }

    @Test("A few empty lines before a request line are ignored (RFC 9112 §2.2), more are refused")
    func emptyLines() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for count in 0...4 {
            guard case .head(_, let consumed) = parse(String(repeating: "\r\n", count: count) + request) else {
                Issue.record("no head after \(count) empty lines")
                continue
            }
            #expect(consumed == count * 2 + request.utf8.count)
        }
        #expect(parse(String(repeating: "\r\n", count: 5)).status == 400)
        #expect(parse("\r\r\n" + request).status == 400)
        #expect(parse("\n" + request).status == 400)
    }

    @Test("A connection is idle until the first byte of a head, and again behind it")
    func idle() {
        var parser = RequestParser()
        func feed(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { parser.parse($0) } }
        #expect(parser.isIdle)
        feed("\r\n")
        #expect(parser.isIdle)
        feed("G")
        #expect(!parser.isIdle)
        feed("ET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parser.isIdle)
    }

    @Test("Pipelined heads are read one after the other by the same parser")
    func pipelining() {
        let bytes = Array((1...3).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n\r\n" }.joined().utf8)
        for step in [1, 2, 7, 40, bytes.count] {
            var parser = RequestParser()
            var paths: [String] = []
            var start = 0
            while start < bytes.count {
                let end = min(start + step, bytes.count)
                switch bytes[start..<end].withUnsafeBytes({ parser.parse($0) }) {
                case .needsMore: start = end
                case .head(let head, let consumed):
                    paths.append(String(decoding: head.path, as: UTF8.self))
                    start += consumed
                case .rejected(let rejection, _):
                    Issue.record("\(rejection)")
                    return
                }
            }
            #expect(paths == ["/1", "/2", "/3"])
        }
    }

    @Test(
        "Limits are met exactly, and a byte over them is refused",
        arguments: [
            (headBytes: HTTPLimits().headBytesMax, status: nil), (HTTPLimits().headBytesMax + 1, 431 as Int?),
        ])
    func headLimit(headBytes: Int, status: Int?) {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let padding = String(repeating: "x", count: headBytes - start.utf8.count - 4)
        let bytes = Array("\(start)\(padding)\r\n\r\n".utf8)
        #expect(bytes.count == headBytes)
        let limit = HTTPLimits().headBytesMax
        for cuts in [[], [1], [limit - 1], [limit], Array(1..<bytes.count)] where cuts.last ?? 0 < bytes.count {
            #expect(parse(bytes, cuts: cuts).status == status)
        }
    }

    @Test("A target of the largest size is served, one byte more is 414, whatever follows")
    func targetLimit() {
        var limits = HTTPLimits()
        limits.targetBytesMax = 500
        limits.headBytesMax = 1_000
        for (count, status) in [(500, nil), (501, 414 as Int?), (990, 414), (5_000, 414)] {
            let bytes = Array("GET /\(String(repeating: "a", count: count - 1)) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            #expect(parse(bytes, limits: limits).status == status)
            #expect(parse(bytes, cuts: Array(1..<bytes.count), limits: limits).status == status)
        }
    }

    @Test(
        "A refusal comes with the fields that were read, so that it can be answered to who asked",
        arguments: [
            (
                "GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nOrigin: o\r\nHost: a\r\n\r\n",
                ["Origin", "Host"]
            ),
            ("GET / HTTP/1.1\r\nOrigin: o\r\n\r\n", ["Origin"]),
            ("GET / HTTP/1.1\r\nOrigin: o\r\nHost: a\r\nA: \u{1}", ["Origin", "Host"]),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                ["Host", "Origin", "Content-Length"]
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nOrigin: o\r\n\r\n",
                ["Host", "Content-Length", "Transfer-Encoding", "Origin"]
            ),
        ])
    func fieldsOfRefused(text: String, names: [String]) throws {
        let bytes = Array(text.utf8)
        for cuts in [[], Array(1..<bytes.count)] {
            guard case .rejected(_, let head?) = parse(bytes, cuts: cuts) else {
                Issue.record("no refusal with a head")
                return
            }
            #expect(head.fields.map { String($0.prefix { $0 != ":" }) } == names)
            #expect(head.fields.contains("Origin: o"))
        }
    }

    @Test("What has arrived of a head that does not go on can be had")
    func incompleteHead() {
        var parser = RequestParser()
        _ = Array("GET / HTTP/1.1\r\nOrigin: o\r\nHo".utf8).withUnsafeBytes { parser.parse($0) }
        let head = parser.takeIncompleteHead()
        #expect(head.map(ParsedHead.init)?.fields == ["Origin: o"])
        var empty = RequestParser()
        let nothing = empty.takeIncompleteHead()
        #expect(nothing == nil)
    }

    @Test(
        "What can never become a target is refused at its first byte",
        arguments: ["GET f", "GET ?", "GET *", "POST *", "PUT \u{7F}"])
    func impossibleTarget(text: String) {
        #expect(parse(text).status == 400)
    }

    @Test("100 field lines are served, one more is 431")
    func lineLimit() {
        for (count, status) in [(99, nil), (100, 431 as Int?)] {
            let lines = String(repeating: "X: y\r\n", count: count)
            #expect(parse("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n").status == status)
        }
    }
}

extension ParseOutcome {
    /// The status of a refusal.
    var status: Int? {
        guard case .rejected(let rejection, _) = self else { return nil }
        return rejection.status
    }
}

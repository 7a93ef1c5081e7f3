import Testing

@testable import HTTPCore

@Suite("Field values are read")
struct FieldTests {
    func head(_ lines: String...) throws -> RequestHead {
        try #require(parsedHead("GET / HTTP/1.1\r\nHost: a\r\n\(lines.map { "\($0)\r\n" }.joined())\r\n"))
    }

    @Test(
        "Every name in the list is recognised in any case, and nothing near it",
        arguments: [
            (FieldName.host, "Host"), (.connection, "Connection"), (.contentLength, "Content-Length"),
            (.transferEncoding, "Transfer-Encoding"), (.expect, "Expect"), (.contentEncoding, "Content-Encoding"),
            (.contentType, "Content-Type"), (.origin, "Origin"), (.accept, "Accept"), (.prefer, "Prefer"),
            (.requestID, "X-Request-Id"), (.accessControlRequestMethod, "Access-Control-Request-Method"),
            (.accessControlRequestHeaders, "Access-Control-Request-Headers"), (.authorization, "Authorization"),
            (.userAgent, "User-Agent"), (.secFetchSite, "Sec-Fetch-Site"),
        ])
    func recognised(name: FieldName, text: String) {
        func recognise(_ text: some Sequence<UInt8>) -> FieldName? { Array(text).withUnsafeBytes { FieldName($0) } }
        #expect(recognise(text.utf8) == name)
        #expect(recognise(text.lowercased().utf8) == name)
        #expect(recognise(text.uppercased().utf8) == name)
        for place in 0..<text.utf8.count {
            var other = Array(text.utf8)
            other[place] = UInt8(ascii: "_")
            #expect(recognise(other) == nil)
        }
    }

    @Test("All names of the list are in the test above")
    func allNames() {
        #expect(FieldName.allCases.count == 16)
    }

    @Test("Fields are reached by number and by text, and none overwrites another")
    func lookup() throws {
        let head = try head("X-A: 1", "accept: b", "x-a:2", "Accept: c", "Empty:")
        #expect(head[.accept] == "b, c")
        #expect(head["X-a"] == "1, 2")
        #expect(head["empty"] == "")
        #expect(head["x-b"] == nil)
        #expect(head[.origin] == nil)
        #expect(head.value(of: .accept).map(Array.init) == Array("b".utf8))
        #expect(head.values(of: .accept).map(Array.init) == [Array("b".utf8), Array("c".utf8)])
        #expect(head.values(of: .prefer).isEmpty)
    }

    @Test(
        "A media type is read with its parameters",
        arguments: [
            ("application/json", "application/json", nil),
            ("Text/Plain;charset=UTF-8", "text/plain", "utf-8" as String?),
            ("text/plain ; Charset=\"utf-8\" ; a=b", "text/plain", "utf-8"), ("text/plain;", "text/plain", nil),
            ("text/x; a=\";charset=no\\\"\"; charset=yes", "text/x", "yes"),
        ])
    func mediaType(text: String, essence: String, charset: String?) throws {
        let type = try #require(MediaType(parsing: Array(text.utf8)[...]))
        #expect(type.essence == essence)
        #expect(type.charset == charset)
    }

    @Test(
        "What is no media type is nil",
        arguments: [
            "", "text", "text/", "/plain", "text /plain", "text/plain charset=utf-8", "text/plain;charset",
            "text/plain;a=",
            "text/plain;a=\"b", "text/plain, text/html", "text/plain;a=\"b\"c",
        ])
    func noMediaType(text: String) {
        #expect(MediaType(parsing: Array(text.utf8)[...]) == nil)
    }

    @Test(
        "JSON is application/json, and what ends in +json",
        arguments: [
            ("application/json", true), ("application/problem+json", true), ("APPLICATION/JSON; a=b", true),
            ("text/json", false), ("application/jsonl", false), ("application/x-ndjson", false), ("a/json+x", false),
        ])
    func isJSON(text: String, isJSON: Bool) {
        #expect(MediaType(parsing: Array(text.utf8)[...])?.isJSON == isJSON)
    }

    @Test(
        "Bytes are preferred to JSON where Accept names them",
        arguments: [
            ([], false), (["*/*"], false), (["application/octet-stream"], true),
            (["application/octet-stream, */*"], true),
            (["application/json, application/octet-stream"], false),
            (["application/json;q=0.5", "application/octet-stream"], true),
            (["application/octet-stream;q=0"], false), (["application/octet-stream;q=0.5, */*;q=0.9"], false),
            (["Application/Octet-Stream; q=1.000"], true), (["application/*"], false),
            (["x/y;a=\",\", application/octet-stream"], true), (["bad, application/octet-stream"], true),
            (["application/octet-stream;q=2"], false), (["application/octet-stream;q=0.0001"], false),
        ] as [([String], Bool)])
    func accept(values: [String], prefers: Bool) {
        let accepted = AcceptedTypes(parsing: values.map { Array($0.utf8)[...] })
        #expect(accepted.prefersOctetStreamToJSON == prefers)
    }

    @Test("The most specific range counts")
    func specificity() {
        let accepted = AcceptedTypes(parsing: [Array("*/*;q=0.1, text/*;q=0.25, text/html".utf8)[...]])
        #expect(accepted.quality(of: "text", "html") == (1000, true))
        #expect(accepted.quality(of: "text", "plain") == (250, false))
        #expect(accepted.quality(of: "image", "png") == (100, false))
        #expect(AcceptedTypes(parsing: [Array("a/b".utf8)[...]]).quality(of: "image", "png") == (0, false))
    }

    @Test(
        "Prefer: wait is found among other preferences",
        arguments: [
            (["wait=30"], 30), (["respond-async, Wait = 5; x=y"], 5), (["return=minimal", "wait=\"7\""], 7),
            (["wait=1, wait=2"], 1),
            (["wait"], nil), (["wait=1.5"], nil), (["wait=-1"], nil), (["a; wait=3"], nil),
            (["a=\"x, wait=9\", wait=4"], 4),
            (["wait=99999999999999999999"], Int.max), ([], nil), (["=,wait=3"], 3),
        ] as [([String], Int?)])
    func wait(values: [String], seconds: Int?) {
        #expect(Preferences.waitSeconds(in: values.map { Array($0.utf8)[...] }) == seconds)
    }

    @Test("A request's id is taken over where it can stand in a log as it is")
    func requestID() throws {
        let longest = String(repeating: "x", count: 128)
        for id in ["a", "7f9c-1:2/3=", longest] {
            #expect(RequestID.sent(in: try head("X-Request-ID: \(id)")) == id)
        }
        for id in ["", "a b", "a\tb", "a\"b", "a'b", "a`b", "a\\b", "a,b", "é", longest + "x"] {
            #expect(RequestID.sent(in: try head("X-Request-ID: \(id)")) == nil)
        }
        #expect(RequestID.sent(in: try head()) == nil)
        #expect(RequestID.sent(in: try head("X-Request-Id: a", "X-Request-Id: b")) == nil)
    }

    @Test("Ids that are made are short and differ as their numbers do")
    func madeRequestID() {
        #expect(RequestID.make(from: 0) == "0000000000000")
        #expect(RequestID.make(from: .max) == "fzzzzzzzzzzzz")
        #expect(RequestID.make(from: 33) == "0000000000011")
    }
}

import Testing

@testable import HTTPCore

@Suite("An answer's head is written")
struct ResponseSerializerTests {
    func write(
        _ response: HTTPResponse, method: HTTPMethod? = .get, version: HTTPVersion = .http11, closes: Bool = false,
        requestID: String = "id1"
    ) -> (text: String, hasContent: Bool) {
        var buffer = Array("before|".utf8)
        let hasContent = ResponseSerializer.appendHead(
            of: response,
            in: .init(
                method: method, version: version, closesConnection: closes, requestID: requestID,
                date: HTTPDate.bytes(secondsSince1970: 784_111_777)),
            to: &buffer)
        return (String(String(decoding: buffer, as: UTF8.self).dropFirst(7)), hasContent)
    }

    @Test("Status line, the server's fields, the answer's fields and the length stand in it")
    func whole() {
        let response = HTTPResponse(
            status: 202, fields: [("Content-Type", "application/json")], content: .bytes([1, 2, 3]))
        let (text, hasContent) = write(response)
        #expect(
            text == "HTTP/1.1 202 Accepted\r\nServer: laurel\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                + "X-Request-Id: id1\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n")
        #expect(hasContent)
    }

    @Test("Fields that many answers share come first, and no control character of theirs splits an answer")
    func commonFields() {
        let common = FieldLines([("Content-Type", "text/plain"), ("A-B", "one\r\nC: two")])
        let response = HTTPResponse(status: 200, commonFields: common, fields: [("D", "three")])
        #expect(write(response).text.contains("\r\nContent-Type: text/plain\r\nA-B: one  C: two\r\nD: three\r\n"))
        #expect(response.allFields.map(\.name) == ["Content-Type", "A-B", "D"])
    }

    @Test("A content without bytes has the length 0, and nothing is written after it")
    func empty() {
        let (text, hasContent) = write(HTTPResponse(status: 200))
        #expect(text.contains("\r\nContent-Length: 0\r\n\r\n"))
        #expect(!hasContent)
    }

    @Test("204 and 304 have neither length nor content", arguments: [204, 304])
    func withoutContent(status: Int) {
        let (text, hasContent) = write(HTTPResponse(status: status, content: .bytes([1])))
        #expect(!text.contains("Content-Length"))
        #expect(!hasContent)
    }

    @Test("HEAD is told the length, and gets no content")
    func head() {
        let (text, hasContent) = write(HTTPResponse(status: 200, content: .bytes([1, 2])), method: .head)
        #expect(text.contains("\r\nContent-Length: 2\r\n"))
        #expect(!hasContent)
    }

    @Test(
        "Connection says what the version does not",
        arguments: [
            (HTTPVersion.http11, false, nil), (.http11, true, "close" as String?), (.http10, false, "keep-alive"),
            (.http10, true, "close"),
        ])
    func connection(version: HTTPVersion, closes: Bool, value: String?) {
        let byContext = write(HTTPResponse(status: 200), version: version, closes: closes).text
        let byResponse = write(HTTPResponse(status: 200, closesConnection: closes), version: version).text
        for text in [byContext, byResponse] {
            #expect(text.contains("Connection:") == (value != nil))
            if let value { #expect(text.contains("\r\nConnection: \(value)\r\n")) }
        }
    }

    @Test("No value can split an answer: control characters become spaces")
    func splitting() {
        let value = "a\r\nSet-Cookie: b\r\n\r\n<script>\0\u{7F}\u{1B}\té"
        let (text, _) = write(HTTPResponse(status: 200, fields: [("X-A", value)]), requestID: "x\r\ny")
        #expect(text.contains("\r\nX-A: a  Set-Cookie: b    <script>   \té\r\n"))
        #expect(text.contains("\r\nX-Request-Id: x  y\r\n"))
        #expect(text.components(of: "\r\n\r\n") == 1)
    }

    @Test("A field name that is no token traps")
    func name() async {
        await #expect(processExitsWith: .failure) {
            var buffer: [UInt8] = []
            let context = ResponseSerializer.Context(
                method: .get, version: .http11, closesConnection: false, requestID: "", date: [])
            _ = ResponseSerializer.appendHead(
                of: HTTPResponse(status: 200, fields: [("A: b\r\nC", "d")]), in: context, to: &buffer)
        }
    }

    @Test("Every status that a rejection can have comes with its reason")
    func reasons() {
        for status in [
            200, 201, 202, 204, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 417, 429, 431, 500, 501, 503,
            505,
        ] {
            #expect(ResponseSerializer.reason(for: status).utf8CodeUnitCount > 0, "\(status)")
        }
        #expect(write(HTTPResponse(status: 299)).text.hasPrefix("HTTP/1.1 299 \r\n"))
    }
}

extension String {
    /// How often `separator` stands in it.
    fileprivate func components(of separator: String) -> Int {
        let (text, separator) = (Array(utf8), Array(separator.utf8))
        return text.indices.count { text[$0...].starts(with: separator) }
    }
}

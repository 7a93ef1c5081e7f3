package import HTTPCore

/// A refusal, as a client reads it: `application/problem+json` (RFC 9457).
///
///     {"type":"/problems/channel-full","title":"Channel full","status":429,"detail":"…","limit":100,"actual":100}
package struct Problem: Error, Sendable {
    package var type: ProblemType
    /// What is wrong and what to change. No payloads, no secrets.
    package var detail: String
    /// The limit that was met, and what was found, where there are such numbers.
    package var limit: Int?
    package var actual: Int?
    /// The byte of the content at which it stops being JSON.
    package var offset: Int?
    /// Fields that this problem owes the client: `Allow`, `Accept-Encoding`.
    package var fields: [(name: String, value: String)] = []
    package var closesConnection = false

    package init(_ type: ProblemType, _ detail: String, limit: Int? = nil, actual: Int? = nil, offset: Int? = nil) {
        self.type = type
        self.detail = detail
        self.limit = limit
        self.actual = actual
        self.offset = offset
    }

    /// The answer. Never stored by a cache: it may be one to a receive.
    package var response: HTTPResponse {
        var json = JSONWriter(byteCountExpected: 256)
        json.object { writeMembers(to: &$0) }
        var all: [(name: String, value: String)] = [
            ("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"),
        ]
        if let seconds = type.retryAfterSeconds { all.append(("Retry-After", String(seconds))) }
        all += fields
        return HTTPResponse(
            status: type.status, fields: all, content: .bytes(json.takeBytes()), closesConnection: closesConnection)
    }

    /// The members of the problem object; an entry of a batch is answered with the same.
    func writeMembers(to json: inout JSONWriter) {
        json.name("type")
        json.string("/problems/\(type.rawValue)")
        json.name("title")
        json.string(type.title)
        json.name("status")
        json.integer(type.status)
        json.name("detail")
        json.string(detail)
        if let limit {
            json.name("limit")
            json.integer(limit)
        }
        if let actual {
            json.name("actual")
            json.integer(actual)
        }
        if let offset {
            json.name("offset")
            json.integer(offset)
        }
    }
}

extension Problem {
    static func invalidParameter(_ detail: String, limit: Int? = nil, actual: Int? = nil) -> Problem {
        Problem(.invalidParameter, detail, limit: limit, actual: actual)
    }

    static func invalidJSON(offset: Int) -> Problem {
        Problem(
            .invalidJSON,
            "The content must be one JSON text (RFC 8259, UTF-8 without BOM, up to \(JSONScanner.depthMax) levels deep); it "
                + "goes wrong at byte \(offset). For other content, say its Content-Type.",
            offset: offset)
    }

    static func messageTooLarge(limit: Int, actual: Int?) -> Problem {
        Problem(
            .messageTooLarge, "The content may have up to \(limit) bytes. Send less, or raise --max-message.",
            limit: limit, actual: actual == .max ? nil : actual)
    }

    static func methodNotAllowed(allow: String) -> Problem {
        var problem = Problem(.methodNotAllowed, "This path answers \(allow).")
        problem.fields = [("Allow", allow)]
        return problem
    }
}

/// Writes the head of an answer (RFC 9112 §4, §5).
package enum ResponseSerializer {
    /// What the head says about the connection and the request, beside the answer itself.
    package struct Context: Sendable {
        /// The request's method; nil where no head was read. An answer to HEAD has a length and no content.
        package var method: HTTPMethod?
        /// The request's version: HTTP/1.0 is told `keep-alive`, as it assumes the opposite.
        package var version: HTTPVersion
        /// The connection ends after this answer. `HTTPResponse.closesConnection` does the same.
        package var closesConnection: Bool
        /// Sent back as `X-Request-Id`; empty for none.
        package var requestID: String
        /// `Date`, ready made by ``HTTPDate``: a server makes it once a second.
        package var date: [UInt8]

        package init(
            method: HTTPMethod?, version: HTTPVersion, closesConnection: Bool, requestID: String, date: [UInt8]
        ) {
            self.method = method
            self.version = version
            self.closesConnection = closesConnection
            self.requestID = requestID
            self.date = date
        }
    }

    /// `HTTP/1.1 100 Continue` and its empty line.
    package static let continueResponse = [UInt8]("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Appends status line, fields and the empty line to `buffer`.
    ///
    /// No value can split an answer: a control character in one is written as a space (RFC 9110 §5.5). A name that is not
    /// a token is a mistake of ours, and traps; so is a status outside 200 to 599.
    ///
    /// - Returns: Whether `response.content` is to be written after it: false for HEAD, 204 and 304, and where it is empty.
    package static func appendHead(of response: HTTPResponse, in context: Context, to buffer: inout [UInt8]) -> Bool {
        // One allocation for nearly all heads.
        buffer.reserveCapacity(buffer.count + 320)
        appendStatusLine(response.status, to: &buffer)
        buffer.append("Server: laurel\r\nDate: ")
        buffer.append(contentsOf: context.date)
        if !context.requestID.isEmpty {
            buffer.append("\r\nX-Request-Id: ")
            appendValue(context.requestID, to: &buffer)
        }
        for field in response.fields {
            buffer.append("\r\n")
            appendName(field.name, to: &buffer)
            buffer.append(": ")
            appendValue(field.value, to: &buffer)
        }
        let contentBytes = response.content.byteCount
        // 204 has no length (RFC 9110 §8.6), and that of a 304 would be another answer's.
        let hasContent = response.status != 204 && response.status != 304
        if hasContent {
            buffer.append("\r\nContent-Length: ")
            buffer.appendDecimal(contentBytes)
        }
        // RFC 9112 §9.3: what is not the version's default is said.
        if context.closesConnection || response.closesConnection {
            buffer.append("\r\nConnection: close")
        } else if context.version == .http10 {
            buffer.append("\r\nConnection: keep-alive")
        }
        buffer.append("\r\n\r\n")
        return hasContent && contentBytes > 0 && context.method != .head
    }

    private static func appendStatusLine(_ status: Int, to buffer: inout [UInt8]) {
        precondition((200...599).contains(status), "not the status of a final answer")
        buffer.append("HTTP/1.1 ")
        buffer.appendDecimal(status)
        buffer.append(" ")
        buffer.append(reason(for: status))
        buffer.append("\r\n")
    }

    private static func appendName(_ name: String, to buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(contentsOf: name.utf8)
        let isToken = buffer.withUnsafeBytes { ASCII.token.end(in: $0, from: start) == $0.count }
        precondition(isToken && buffer.count > start, "a field name is a token")
    }

    private static func appendValue(_ value: String, to buffer: inout [UInt8]) {
        var start = buffer.count
        buffer.append(contentsOf: value.utf8)
        while true {
            start = buffer.withUnsafeBytes { ASCII.endOfFieldContent(in: $0, from: start) }
            guard start < buffer.count else { return }
            buffer[start] = ASCII.space
        }
    }

    /// The reason phrases of RFC 9110 §15 and RFC 6585; empty for a status that this server does not use (RFC 9112 §4).
    static func reason(for status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}

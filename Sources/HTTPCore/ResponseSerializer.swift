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
    package static func appendHead(
        of response: borrowing HTTPResponse, in context: borrowing Context, to buffer: inout [UInt8]
    ) -> Bool {
        precondition((200...599).contains(response.status), "not the status of a final answer")
        // 204 has no length (RFC 9110 §8.6), and that of a 304 would be another answer's.
        let hasContent = response.status != 204 && response.status != 304
        let contentBytes = response.content.byteCount
        // Taken out one by one: a closure would have a copy of the whole answer.
        let (status, common, closes) = (
            response.status, response.commonFields, context.closesConnection || response.closesConnection
        )
        let fields = response.fields.isEmpty ? nil : response.fields
        let (requestID, date, version) = (context.requestID, context.date, context.version)
        buffer.append(addingCapacity: bytesMax(of: response, in: context)) { span in
            span.withUnsafeMutableBufferPointer { room, count in
                var text = TextWriter(room)
                writeStatusLine(status, to: &text)
                text.write("Server: laurel\r\nDate: ")
                text.write(date)
                if !requestID.isEmpty {
                    text.write("\r\nX-Request-Id: ")
                    text.writeFieldValue(requestID)
                }
                if let common { text.write(common.bytes) }
                if let fields {
                    for field in fields { text.writeLine(field) }
                }
                if hasContent {
                    text.write("\r\nContent-Length: ")
                    text.writeDecimal(contentBytes)
                }
                // RFC 9112 §9.3: what is not the version's default is said.
                if closes {
                    text.write("\r\nConnection: close")
                } else if version == .http10 {
                    text.write("\r\nConnection: keep-alive")
                }
                text.write("\r\n\r\n")
                count = text.count
            }
        }
        return hasContent && contentBytes > 0 && context.method != .head
    }

    /// At least as many bytes as the head will have.
    private static func bytesMax(of response: borrowing HTTPResponse, in context: borrowing Context) -> Int {
        // The longest status line and all that the server itself writes, with twenty digits of length, are below 200.
        var bytes = 256 + context.date.count + context.requestID.utf8.count
        if let common = response.commonFields { bytes += common.bytes.count }
        return response.fields.isEmpty ? bytes : response.fields.reduce(bytes) { $0 + TextWriter.bytesOfLine($1) }
    }

    private static func writeStatusLine(_ status: Int, to text: inout TextWriter) {
        switch status {
        // The most frequent ones in one piece.
        case 200: text.write("HTTP/1.1 200 OK\r\n")
        case 202: text.write("HTTP/1.1 202 Accepted\r\n")
        default:
            text.write("HTTP/1.1 ")
            text.writeDecimal(status)
            text.write(" ")
            text.write(reason(for: status))
            text.write("\r\n")
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

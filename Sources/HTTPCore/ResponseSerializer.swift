/// Writes the head of an answer.
package enum ResponseSerializer {
    /// What the head says about the connection and the request, beside the answer itself.
    package struct Context {
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
    /// a token is a mistake of ours, and traps.
    ///
    /// - Returns: Whether `response.content` is to be written after it: false for HEAD, 204 and 304, and where it is empty.
    package static func appendHead(of response: HTTPResponse, in context: Context, to buffer: inout [UInt8]) -> Bool {
        fatalError("follows")
    }
}

/// Makes request heads out of bytes, whatever pieces they come in. Does no I/O; holds only what an unfinished head has sent.
package struct RequestParser: Sendable {
    package enum Progress: Sendable {
        /// The whole piece was taken in, and the head goes on.
        case needsMore
        /// A head, whose last byte is byte `consumed` of this piece; its content, or the next head, follows there. The
        /// parser is ready for the next head.
        case head(RequestHead, consumed: Int)
        /// These bytes are no request that can be let in; the connection is to be answered and closed, and the parser not
        /// to be fed again. `head` where the head as such was complete and well formed.
        case rejected(HTTPRejection, head: RequestHead?)
    }

    private let limits: HTTPLimits

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// True before the first byte of a head (empty lines before it do not count): the connection is idle.
    package var isIdle: Bool { fatalError("follows") }

    /// Takes the next bytes. Each byte is looked at once, however small the pieces are.
    package mutating func parse(_ piece: UnsafeRawBufferPointer) -> Progress { fatalError("follows") }
}

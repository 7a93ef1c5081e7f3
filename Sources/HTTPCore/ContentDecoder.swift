/// Takes the chunks of a content apart (RFC 9112 §7.1), whatever pieces they come in. Does no I/O.
///
/// Extensions and trailer fields are checked, bounded and dropped.
package struct ContentDecoder: Sendable {
    package enum Progress: Sendable, Hashable {
        /// The whole piece was taken in, and the content goes on.
        case needsMore
        /// The content is complete; its framing ends with byte `consumed` of this piece, the next request follows there.
        case done(consumed: Int)
        /// The framing is broken or over a limit; the connection is to be answered and closed.
        case rejected(HTTPRejection)
    }

    /// - Parameter contentBytesMax: What the content may hold; a chunk that would exceed it is refused by its size line.
    package init(contentBytesMax: Int, limits: HTTPLimits = HTTPLimits()) { fatalError("follows") }

    /// Takes the next bytes and appends what they hold of the content to `content`. Reserves nothing ahead.
    package mutating func decode(_ piece: UnsafeRawBufferPointer, into content: inout [UInt8]) -> Progress {
        fatalError("follows")
    }
}

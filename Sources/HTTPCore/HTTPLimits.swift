/// What one request may ask of the server before it is let in. Every number is a bound on memory or on work.
package struct HTTPLimits: Sendable, Hashable {
    /// Request line, field lines and the empty line that ends them, in bytes. Over it: 431.
    package var headBytesMax = 49_152
    /// The request target, in bytes. Over it: 414. 1,000 names of 25 characters fit.
    package var targetBytesMax = 32_768
    /// Field lines of a head. Over it: 431.
    package var fieldLinesMax = 100
    /// Empty lines read away before a request line (RFC 9112 §2.2 asks for at least one). Over it: 400.
    package var leadingEmptyLinesMax = 4
    /// Chunk extensions of one content, all chunks together, in bytes. Over it: 400 (RFC 9112 §7.1.1 asks for a limit).
    package var chunkExtensionBytesMax = 4_096
    /// The trailer section of a chunked content, in bytes. Over it: 431.
    package var trailerBytesMax = 8_192

    package init() {}
}

/// The id of a request, for logs on both sides: the client's `X-Request-Id`, or one that the server makes.
package enum RequestID {
    package static let bytesMax = 128

    /// The client's id; nil where it is missing, given twice, or not 1 to 128 printable ASCII characters without white
    /// space, quotes, backslash or comma, so that it can stand in any log line as it is.
    package static func sent(in head: RequestHead) -> String? { fatalError("follows") }

    /// An id of 13 characters (base 32), short enough to need no allocation.
    package static func make(from number: UInt64) -> String { fatalError("follows") }
}

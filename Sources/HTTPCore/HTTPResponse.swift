/// An answer. The server adds `Date`, `Server`, `Connection` and the framing; the application everything else.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// Written first.
    package var commonFields: FieldLines?
    /// In the order in which they are written. Values are ASCII without control characters (checked when serialized).
    package var fields: [(name: String, value: String)]
    package var content: HTTPContent
    /// The answer's fate: one of these two is called, once, before the connection does anything else. This one when the first
    /// byte of it is with the kernel.
    package var onBegun: (@Sendable () -> Void)?
    /// This one if not one byte ever will be: a receive then gives its messages back.
    package var onUnsent: (@Sendable () async -> Void)?
    /// The connection ends after this answer.
    package var closesConnection: Bool

    @inlinable
    package init(
        status: Int, commonFields: FieldLines? = nil, fields: [(name: String, value: String)] = [],
        content: HTTPContent = .none, closesConnection: Bool = false
    ) {
        self.status = status
        self.commonFields = commonFields
        self.fields = fields
        self.content = content
        onBegun = nil
        onUnsent = nil
        self.closesConnection = closesConnection
    }
}

extension HTTPResponse {
    /// All that the application adds, in the order in which it is written.
    package var allFields: [(name: String, value: String)] { (commonFields?.fields ?? []) + fields }
}

/// The content of an answer; its length is always known before its first byte is written.
package enum HTTPContent: Sendable {
    case none
    case bytes([UInt8])
    /// Pieces written one after the other: shared payloads are written from where they are stored.
    case pieces([ContentPiece])

    package var byteCount: Int {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .pieces(let pieces): pieces.reduce(0) { $0 + $1.byteCount }
        }
    }
}

package enum ContentPiece: Sendable {
    case bytes([UInt8])
    /// Encoded while it is written, so that a large answer never stands in memory twice.
    case encoded(any ContentEncoder)

    package var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .encoded(let encoder): encoder.byteCount
        }
    }
}

/// Makes the bytes of a piece step by step: base64 of a payload, a text as a JSON string.
package protocol ContentEncoder: Sendable {
    /// All bytes that it will make. Constant.
    var byteCount: Int { get }
    /// What it makes them from: a payload that others may share.
    var source: [UInt8] { get }

    /// Appends the next bytes to `buffer`, about `bytesMax` of them and never more; none means that it is done.
    mutating func encode(into buffer: inout [UInt8], bytesMax: Int)
}

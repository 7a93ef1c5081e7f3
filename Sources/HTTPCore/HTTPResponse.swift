/// An answer. The server adds `Date`, `Server`, `Connection` and the framing; the application everything else.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// In the order in which they are written. Values are ASCII without control characters (checked when serialized).
    package var fields: [(name: String, value: String)]
    package var content: HTTPContent
    /// Told, exactly once, how far the answer got, before the connection does anything else. Set where somebody cares,
    /// as a receive does: an answer of which not one byte was written gives its messages back.
    package var onOutcome: (@Sendable (ResponseOutcome) async -> Void)?
    /// The connection ends after this answer.
    package var closesConnection: Bool

    package init(
        status: Int, fields: [(name: String, value: String)] = [], content: HTTPContent = .none,
        closesConnection: Bool = false, onOutcome: (@Sendable (ResponseOutcome) async -> Void)? = nil
    ) {
        self.status = status
        self.fields = fields
        self.content = content
        self.closesConnection = closesConnection
        self.onOutcome = onOutcome
    }
}

/// What became of an answer.
package enum ResponseOutcome: Sendable, Hashable {
    /// At least one byte went to the socket.
    case begun
    /// Not one byte did.
    case unsent
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

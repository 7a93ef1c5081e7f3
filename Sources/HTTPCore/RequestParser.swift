/// Makes request heads out of bytes, whatever pieces they come in. Does no I/O.
///
/// # How it works
/// A ``HeadScanner`` walks over the bytes of a head once and remembers where it stands. A head that arrives in one piece,
/// as nearly all do, is scanned where it lies, in the reader's buffer, and copied when it is complete: one allocation for its
/// bytes, one for its lines. Of a head that does not, the bytes so far are kept here, and the scanner goes on where it stood
/// when more arrive. So a connection that waits holds what its client has sent, and nothing else.
package struct RequestParser: Sendable {
    package enum Progress: Sendable {
        /// The whole piece was taken in, and the head goes on.
        case needsMore
        /// A head, whose last byte is byte `consumed` of this piece; its content, or the next head, follows there. The
        /// parser is ready for the next head.
        case head(RequestHead, consumed: Int)
        /// These bytes are no request that can be let in; the connection is to be answered and closed, and the parser not
        /// to be fed again. `head` as far as it was read: for who reads the answer, not for what was asked.
        case rejected(HTTPRejection, head: RequestHead?)
    }

    private let limits: HTTPLimits
    private var scanner = HeadScanner()
    /// The bytes of an unfinished head; empty between heads.
    private var unfinished: [UInt8] = []
    private var leadingEmptyLines = 0
    /// The last byte was the CR of an empty line before the head.
    private var isInEmptyLine = false

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// True before the first byte of a head (empty lines before it do not count): the connection is idle.
    package var isIdle: Bool { unfinished.isEmpty }

    /// Takes the next bytes. Each byte is looked at once, however small the pieces are.
    package mutating func parse(_ piece: UnsafeRawBufferPointer) -> Progress {
        var start = 0
        do throws(HTTPRejection) {
            if unfinished.isEmpty { start = try skipEmptyLines(piece) }
            guard start < piece.count else { return .needsMore }
            return try parseHead(UnsafeRawBufferPointer(rebasing: piece[start...]), after: start)
        } catch {
            if unfinished.isEmpty { unfinished = [UInt8](piece[start...].prefix(limits.headBytesMax)) }
            return .rejected(error, head: takeIncompleteHead())
        }
    }

    /// Why the head that is arriving will be refused in any case; nil where it will not.
    package var lateRejection: HTTPRejection? { scanner.lateRejection }

    /// What has arrived of a head that will not be completed. The parser is not to be fed again.
    package mutating func takeIncompleteHead() -> RequestHead? {
        var bytes: [UInt8] = []
        swap(&bytes, &unfinished)
        return scanner.takeIncompleteHead(of: bytes)
    }

    /// - Parameter skipped: What this piece held before `bytes`.
    private mutating func parseHead(
        _ bytes: UnsafeRawBufferPointer, after skipped: Int
    ) throws(HTTPRejection) -> Progress {
        let known = unfinished.count
        let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(limits.headBytesMax - known))
        let isComplete: Bool
        if known == 0 {
            isComplete = try scanner.scan(window, limits: limits)
            unfinished = [UInt8](isComplete ? UnsafeRawBufferPointer(rebasing: window[..<scanner.position]) : window)
        } else {
            unfinished.append(contentsOf: window)
            isComplete = try scanUnfinished()
        }
        guard isComplete else {
            if unfinished.count >= limits.headBytesMax {
                throw scanner.lateRejection ?? .headTooLarge(limit: limits.headBytesMax)
            }
            return .needsMore
        }
        let consumed = skipped + scanner.position - known
        unfinished.removeLast(unfinished.count - scanner.position)

        var bytes: [UInt8] = []
        swap(&bytes, &unfinished)
        let (head, rejection) = scanner.takeHead(of: bytes)
        leadingEmptyLines = 0
        if let rejection { return .rejected(rejection, head: head) }
        return .head(head, consumed: consumed)
    }

    private mutating func scanUnfinished() throws(HTTPRejection) -> Bool {
        // Moved out, so that the scanner can be changed while the bytes are borrowed.
        var bytes: [UInt8] = []
        swap(&bytes, &unfinished)
        defer { swap(&bytes, &unfinished) }
        return try bytes.withUnsafeBufferPointer { (buffer) throws(HTTPRejection) in
            try scanner.scan(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// RFC 9112 §2.2: a server should ignore at least one empty line before a request line; some clients send one after a
    /// content. Returns where the head begins.
    private mutating func skipEmptyLines(_ piece: UnsafeRawBufferPointer) throws(HTTPRejection) -> Int {
        var position = 0
        while position < piece.count {
            if isInEmptyLine {
                guard piece[position] == ASCII.lineFeed else { throw .bareCarriageReturn }
                isInEmptyLine = false
                leadingEmptyLines += 1
                guard leadingEmptyLines <= limits.leadingEmptyLinesMax else {
                    throw .badRequest(reason: "too many empty lines before a request line (RFC 9112 §2.2)")
                }
            } else if piece[position] == ASCII.carriageReturn {
                isInEmptyLine = true
            } else {
                break
            }
            position += 1
        }
        return position
    }
}

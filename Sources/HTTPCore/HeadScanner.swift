/// Walks over the bytes of one request head, as an automaton that can stop after any byte and go on later.
///
/// Strict (RFC 9112 §2 to §5): lines end with CR LF, one space stands between the parts of the request line, nothing between a
/// field name and its colon. A byte that fits nowhere ends it at once, rather than at the end of the head. What two servers
/// in a chain could read differently is refused (RFC 9112 §11.2).
struct HeadScanner: Sendable {
    /// What the next byte belongs to.
    private enum Phase {
        case method, target, version, requestLineEnd, requestLineFeed
        case lineStart, name, valueStart, value, lineFeed, lastLineFeed
    }

    /// Longer than any method there is; a client that sends more of one has none that this server knows.
    private static let methodBytesMax = 32

    /// How many bytes of the head have been looked at.
    private(set) var position = 0
    private var phase = Phase.method
    private var method = HTTPMethod.unknown
    private var targetStart = 0
    /// Where the target's first `?` stands.
    private var questionMark: Int?
    private var target: RequestTarget?
    private var versionStart = 0
    private var version = HTTPVersion.http11
    private var nameStart = 0
    private var nameEnd = 0
    private var valueStart = 0
    private var valueEnd = 0
    private var fields = HTTPFields()
    private var facts = HeadFacts()
    /// Why the head will be refused once it is complete: so its fields are known, and who reads the answer can be.
    private(set) var lateRejection: HTTPRejection?

    /// Goes on from ``position``. True when the head is complete; ``position`` is then its length.
    ///
    /// - Parameter bytes: All bytes of the head so far, from its first; those before ``position`` as they were.
    mutating func scan(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits) throws(HTTPRejection) -> Bool {
        while position < bytes.count {
            // The phases of a line fall through to the next one, so that a line that has arrived is walked over in one turn;
            // each of them bears to find no byte left.
            switch phase {
            case .method: try scanMethod(bytes)
            case .target: try scanTarget(bytes, limits: limits)
            case .version:
                try scanVersion(bytes)
                guard phase == .requestLineEnd, position < bytes.count else { continue }
                fallthrough
            case .requestLineEnd:
                guard bytes[position] == ASCII.carriageReturn else { throw .malformedRequestLine }
                advance(to: .requestLineFeed)
                guard position < bytes.count else { continue }
                fallthrough
            case .requestLineFeed:
                guard bytes[position] == ASCII.lineFeed else { throw .bareCarriageReturn }
                advance(to: .lineStart)
            case .lineStart:
                try beginLine(with: bytes[position], limits: limits)
                guard phase == .name else { continue }
                fallthrough
            case .name:
                try scanName(bytes)
                guard phase == .valueStart else { continue }
                fallthrough
            case .valueStart:
                while position < bytes.count, ASCII.isBlank(bytes[position]) { position += 1 }
                valueStart = position
                guard position < bytes.count else { continue }
                phase = .value
                fallthrough
            case .value:
                try scanValue(bytes)
                guard phase == .lineFeed, position < bytes.count else { continue }
                fallthrough
            case .lineFeed:
                guard bytes[position] == ASCII.lineFeed else { throw .bareCarriageReturn }
                try takeLine(bytes)
                advance(to: .lineStart)
            case .lastLineFeed:
                guard bytes[position] == ASCII.lineFeed else { throw .bareCarriageReturn }
                position += 1
                return true
            }
        }
        return false
    }

    /// The head out of its bytes, once ``scan(_:limits:)`` has seen all of them; and why it must not be let in, if so. The
    /// scanner is then ready for the next head.
    mutating func takeHead(of bytes: consuming [UInt8]) -> (RequestHead, HTTPRejection?) {
        var rejection = lateRejection
        let framing: ContentFraming
        do throws(HTTPRejection) {
            framing = try facts.framing(version: version)
        } catch {
            framing = .none
            rejection = rejection ?? error
        }
        if facts.host == nil, version != .http10 {
            rejection = rejection ?? .badRequest(reason: "no Host (RFC 9112 §3.2)")
        }
        if method == .unknown { rejection = rejection ?? .unknownMethod }
        rejection = rejection ?? facts.refusal(version: version)
        let head = makeHead(of: bytes, framing: framing)
        self = HeadScanner()
        return (head, rejection)
    }

    /// The head as far as its lines have been read, for answering one that will never be complete; nil where there is none
    /// yet.
    mutating func takeIncompleteHead(of bytes: consuming [UInt8]) -> RequestHead? {
        guard !fields.lines.isEmpty else { return nil }
        return makeHead(of: bytes, framing: .none)
    }

    private mutating func makeHead(of bytes: consuming [UInt8], framing: ContentFraming) -> RequestHead {
        // Of a target that was too long, nothing is kept.
        var target = target ?? .nothing
        target.supplyPath(in: &bytes)
        // Moved out, so that there is no second owner to count.
        var fields = HTTPFields()
        swap(&fields, &self.fields)
        return RequestHead(
            method: method, version: version, fields: fields, framing: framing, isAbsoluteForm: target.isAbsoluteForm,
            expectsContinue: facts.expectsContinue && version == .http11 && framing.promisesContent,
            keepsAlive: facts.keepsAlive(version: version) && method != .connect,
            bytes: bytes, pathRange: target.path, queryRange: target.query,
            authorityRange: target.authority ?? facts.host)
    }

    @inline(__always)
    private mutating func advance(to next: Phase) {
        position += 1
        phase = next
    }

    // MARK: Request line (RFC 9112 §3)

    private mutating func scanMethod(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        position = ASCII.endOfToken(in: bytes, from: position)
        guard position <= Self.methodBytesMax else { throw .unknownMethod }
        guard position < bytes.count else { return }
        guard position > 0, bytes[position] == ASCII.space else { throw .malformedRequestLine }
        method = HTTPMethod(UnsafeRawBufferPointer(rebasing: bytes[..<position]))
        advance(to: .target)
        targetStart = position
    }

    private mutating func scanTarget(
        _ bytes: UnsafeRawBufferPointer, limits: HTTPLimits
    ) throws(HTTPRejection) {
        if position == targetStart, !RequestTarget.mayBegin(with: bytes[position], method: method) {
            throw .malformedTarget
        }
        position = ASCII.endOfTargetPart(in: bytes, from: position)
        if position - targetStart > limits.targetBytesMax {
            lateRejection = .targetTooLong(limit: limits.targetBytesMax)
        }
        guard position < bytes.count else { return }
        if bytes[position] == UInt8(ascii: "?") {
            if questionMark == nil { questionMark = position }
            position += 1
            return
        }
        guard bytes[position] == ASCII.space else { throw .malformedRequestLine }
        if lateRejection == nil {
            target = try RequestTarget(
                in: bytes, at: targetStart..<position, questionMark: questionMark, method: method)
        }
        advance(to: .version)
        versionStart = position
    }

    /// `HTTP/1.1`, in capitals (RFC 9112 §2.3).
    private mutating func scanVersion(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        let expected: StaticString = "HTTP/1.1"
        let (major, minor) = (5, 7)
        if position == versionStart, position + expected.utf8CodeUnitCount <= bytes.count,
            bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                == UnsafeRawPointer(expected.utf8Start).loadUnaligned(as: UInt64.self)
        {
            position += expected.utf8CodeUnitCount
            phase = .requestLineEnd
            return
        }
        while position < bytes.count, position - versionStart < expected.utf8CodeUnitCount {
            let offset = position - versionStart
            let isRight =
                offset == major || offset == minor
                ? ASCII.isDigit(bytes[position]) : bytes[position] == expected.utf8Start[offset]
            guard isRight else { throw .malformedRequestLine }
            position += 1
        }
        guard position - versionStart == expected.utf8CodeUnitCount else { return }
        guard bytes[versionStart + major] == UInt8(ascii: "1") else { throw .versionNotSupported }
        // A higher minor version is served as the highest that this server knows (RFC 9110 §2.5).
        version = bytes[versionStart + minor] == UInt8(ascii: "0") ? .http10 : .http11
        phase = .requestLineEnd
    }

    // MARK: Field lines (RFC 9112 §5)

    private mutating func beginLine(with byte: UInt8, limits: HTTPLimits) throws(HTTPRejection) {
        if byte == ASCII.carriageReturn { return advance(to: .lastLineFeed) }
        guard ASCII.token.contains(byte) else { throw .malformedFieldStart(byte) }
        guard fields.lines.count < limits.fieldLinesMax else {
            throw .tooManyFieldLines(limit: limits.fieldLinesMax)
        }
        nameStart = position
        advance(to: .name)
    }

    private mutating func scanName(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        position = ASCII.endOfToken(in: bytes, from: position)
        guard position < bytes.count else { return }
        guard bytes[position] == UInt8(ascii: ":") else { throw .malformedFieldName(bytes[position]) }
        nameEnd = position
        advance(to: .valueStart)
    }

    private mutating func scanValue(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        position = ASCII.endOfFieldContent(in: bytes, from: position)
        guard position < bytes.count else { return }
        guard bytes[position] == ASCII.carriageReturn else { throw .malformedFieldValue(bytes[position]) }
        valueEnd = position
        while valueEnd > valueStart, ASCII.isBlank(bytes[valueEnd - 1]) { valueEnd -= 1 }
        advance(to: .lineFeed)
    }

    private mutating func takeLine(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        let known = FieldName(UnsafeRawBufferPointer(rebasing: bytes[nameStart..<nameEnd]))
        let value = valueStart..<valueEnd
        if let known {
            try facts.take(known, value: UnsafeRawBufferPointer(rebasing: bytes[value]), at: value)
        }
        // Most heads have fewer lines; so there is one allocation for all of them.
        if fields.lines.isEmpty { fields.lines.reserveCapacity(16) }
        fields.lines.append(HTTPFields.Line(name: nameStart..<nameEnd, value: value, known: known))
    }
}

extension HTTPRejection {
    static var malformedRequestLine: Self {
        .badRequest(reason: "the request line is not a method, a target and a version (RFC 9112 §3)")
    }

    static var bareCarriageReturn: Self {
        .badRequest(reason: "a CR without LF (RFC 9112 §2.2)")
    }

    static var bareLineFeed: Self {
        .badRequest(reason: "a line that ends with LF alone (RFC 9112 §2.2)")
    }

    static func malformedFieldStart(_ byte: UInt8) -> Self {
        switch byte {
        case ASCII.space, ASCII.tab: .badRequest(reason: "a field line that begins with white space (RFC 9112 §5.2)")
        case UInt8(ascii: ":"): .badRequest(reason: "a field without a name (RFC 9112 §5)")
        default: malformedFieldName(byte)
        }
    }

    static func malformedFieldName(_ byte: UInt8) -> Self {
        switch byte {
        case ASCII.space, ASCII.tab: .badRequest(reason: "white space before a colon (RFC 9112 §5.1)")
        case ASCII.lineFeed: bareLineFeed
        case ASCII.carriageReturn: .badRequest(reason: "a field line without a colon (RFC 9112 §5)")
        default: .badRequest(reason: "a character in a field name that no token has (RFC 9110 §5.1)")
        }
    }

    static func malformedFieldValue(_ byte: UInt8) -> Self {
        byte == ASCII.lineFeed
            ? bareLineFeed : .badRequest(reason: "a control character in a field value (RFC 9110 §5.5)")
    }
}

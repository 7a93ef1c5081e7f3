/// Takes the chunks of a content apart (RFC 9112 §7.1), whatever pieces they come in. Does no I/O.
///
/// Extensions and trailer fields are checked, bounded and dropped.
package struct ContentDecoder: Sendable {
    package enum Progress: Sendable, Hashable {
        /// The whole piece was taken in, and the content goes on.
        case needsMore
        /// The content is complete; its framing ends with byte `consumed` of this piece, the next request follows there.
        case done(consumed: Int)
        /// The framing is broken or over a limit; the connection is to be answered and closed, and the decoder not to be
        /// fed again.
        case rejected(HTTPRejection)
    }

    /// What the next byte belongs to.
    private enum Phase {
        case sizeStart, size, beforeExtension, extensions, sizeLineFeed
        case content, contentEnd, contentLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed
    }

    private static let sizeDigitsMax = 16

    private var phase = Phase.sizeStart
    private let contentBytesMax: Int
    /// What the content may still hold, beside the rest of this chunk.
    private var contentBytesLeft: Int
    private var extensionBytesLeft: Int
    private var trailerBytesLeft: Int
    private let trailerBytesMax: Int
    /// The size of this chunk, and what of it has not come yet.
    private var chunkBytesLeft = 0
    private var sizeDigits = 0

    /// - Parameter contentBytesMax: What the content may hold; a chunk that would exceed it is refused by its size line.
    package init(contentBytesMax: Int, limits: HTTPLimits = HTTPLimits()) {
        self.contentBytesMax = contentBytesMax
        contentBytesLeft = contentBytesMax
        extensionBytesLeft = limits.chunkExtensionBytesMax
        trailerBytesMax = limits.trailerBytesMax
        trailerBytesLeft = limits.trailerBytesMax
    }

    /// Takes the next bytes and appends what they hold of the content to `content`. Reserves nothing ahead.
    package mutating func decode(_ piece: UnsafeRawBufferPointer, into content: inout [UInt8]) -> Progress {
        var position = 0
        do throws(HTTPRejection) {
            while position < piece.count {
                if phase == .content {
                    let count = min(chunkBytesLeft, piece.count - position)
                    content.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[position..<position + count]))
                    position += count
                    chunkBytesLeft -= count
                    if chunkBytesLeft == 0 { phase = .contentEnd }
                    continue
                }
                let isLast = phase == .lastLineFeed
                try take(piece[position])
                position += 1
                if isLast { return .done(consumed: position) }
            }
            return .needsMore
        } catch {
            return .rejected(error)
        }
    }

    /// Takes one byte of the framing.
    private mutating func take(_ byte: UInt8) throws(HTTPRejection) {
        switch phase {
        case .sizeStart, .size, .beforeExtension, .extensions: try takeSizeLine(byte)
        case .sizeLineFeed:
            try expectLineFeed(byte)
            phase = chunkBytesLeft > 0 ? .content : .trailerStart
        case .content: preconditionFailure("content is not taken byte by byte")
        case .contentEnd:
            guard byte == ASCII.carriageReturn else {
                throw .badRequest(reason: "a chunk that is longer than its size (RFC 9112 §7.1)")
            }
            phase = .contentLineFeed
        case .contentLineFeed:
            try expectLineFeed(byte)
            phase = .sizeStart
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .lastLineFeed: try takeTrailer(byte)
        }
    }

    /// `1A;name=value` (RFC 9112 §7.1, §7.1.1).
    private mutating func takeSizeLine(_ byte: UInt8) throws(HTTPRejection) {
        switch phase {
        case .sizeStart:
            guard let digit = ASCII.hexValue(byte) else { throw .malformedChunkSize }
            chunkBytesLeft = Int(digit)
            sizeDigits = 1
            phase = .size
        case .size where ASCII.hexValue(byte) != nil:
            sizeDigits += 1
            // Zeros in front included, so that no size line is endless.
            guard sizeDigits <= Self.sizeDigitsMax else { throw .malformedChunkSize }
            let (sixteenfold, overflow) = chunkBytesLeft.multipliedReportingOverflow(by: 16)
            guard !overflow else { throw .contentTooLarge(limit: contentBytesMax, actual: nil) }
            chunkBytesLeft = sixteenfold | Int(ASCII.hexValue(byte)!)
        case _ where byte == ASCII.carriageReturn && phase != .beforeExtension:
            phase = .sizeLineFeed
        case .size where byte == UInt8(ascii: ";"), .beforeExtension where byte == UInt8(ascii: ";"):
            try spendExtensionByte()
            phase = .extensions
        case .size where ASCII.isBlank(byte), .beforeExtension where ASCII.isBlank(byte):
            // White space belongs here only before an extension.
            try spendExtensionByte()
            phase = .beforeExtension
        case .extensions where ASCII.isFieldContent(byte):
            try spendExtensionByte()
        default:
            throw byte == ASCII.lineFeed ? .bareLineFeed : .malformedChunkSize
        }
        guard chunkBytesLeft <= contentBytesLeft else {
            throw .contentTooLarge(limit: contentBytesMax, actual: nil)
        }
        if phase == .sizeLineFeed { contentBytesLeft -= chunkBytesLeft }
    }

    /// The trailer section: field lines, then an empty one (RFC 9112 §7.1.2). None of them means anything here.
    private mutating func takeTrailer(_ byte: UInt8) throws(HTTPRejection) {
        guard trailerBytesLeft > 0 else { throw .headTooLarge(limit: trailerBytesMax) }
        trailerBytesLeft -= 1
        switch phase {
        case .trailerStart where byte == ASCII.carriageReturn: phase = .lastLineFeed
        case .trailerStart:
            guard ASCII.token.contains(byte) else { throw .malformedFieldStart(byte) }
            phase = .trailerName
        case .trailerName where byte == UInt8(ascii: ":"): phase = .trailerValue
        case .trailerName:
            guard ASCII.token.contains(byte) else { throw .malformedFieldName(byte) }
        case .trailerValue where byte == ASCII.carriageReturn: phase = .trailerLineFeed
        case .trailerValue:
            guard ASCII.isFieldContent(byte) else { throw .malformedFieldValue(byte) }
        default:
            try expectLineFeed(byte)
            phase = .trailerStart
        }
    }

    private func expectLineFeed(_ byte: UInt8) throws(HTTPRejection) {
        guard byte == ASCII.lineFeed else { throw .bareCarriageReturn }
    }

    private mutating func spendExtensionByte() throws(HTTPRejection) {
        guard extensionBytesLeft > 0 else {
            throw .badRequest(reason: "chunk extensions over the limit (RFC 9112 §7.1.1)")
        }
        extensionBytesLeft -= 1
    }
}

extension HTTPRejection {
    fileprivate static var malformedChunkSize: Self {
        .badRequest(reason: "a malformed chunk size (RFC 9112 §7.1)")
    }
}

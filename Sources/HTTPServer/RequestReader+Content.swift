import HTTPCore
import Reactor

extension RequestReader {
    enum ContentEnd {
        case content([UInt8])
        case rejected(HTTPRejection)
        /// The client left, or the connection failed: nobody is to be answered.
        case ended
    }

    /// Reading goes on without a look at other connections for so many bytes.
    private static let bytesInARowMax = 1_048_576
    /// A chunked content that has grown to this size gets room for the largest one allowed, at once: pages that are never
    /// touched cost nothing, while growing by copying would hold a large content twice.
    private static let chunkedBytesBeforeReserve = 1_048_576

    /// The content of the head that was read last, where it came along with it. Nil: `readContent` is to be asked.
    func contentAtHand(_ framing: ContentFraming, bytesMax: Int) -> [UInt8]? {
        switch framing {
        case .none: []
        case .length(let length) where length <= bytesMax: takeUnread(count: length)
        case .length, .chunked: nil
        }
    }

    /// Reads the content that belongs to the head that was read last.
    ///
    /// Judges it by its announced length and the budget first; only then sends `100 Continue`, if it is expected and the
    /// client has not gone ahead without it (RFC 9110 §10.1.1).
    nonisolated(nonsending) func readContent(_ framing: ContentFraming, bytesMax: Int, expectsContinue: Bool) async
        -> ContentEnd
    {
        var share = ContentShare(of: worker.budget, bytesUncounted: settings.contentBytesUncounted)
        if case .length(let length) = framing {
            guard length <= bytesMax else { return .rejected(.contentTooLarge(limit: bytesMax, actual: length)) }
            guard share.hasRoom(for: length) else { return .rejected(Self.budgetSpent) }
        }
        if expectsContinue, !hasUnread {
            guard await sendContinue() else { return .ended }
        }
        switch framing {
        case .none: return .content([])
        case .length(let length): return await readLength(length, share: &share)
        case .chunked: return await readChunked(bytesMax: bytesMax, share: &share)
        }
    }

    /// Reads away a content that nobody wants. False where the connection cannot go on.
    nonisolated(nonsending) func discardContent(bytes: Int) async -> Bool {
        var share = ContentShare(of: worker.budget, bytesUncounted: settings.refusedContentBytesMax)
        if case .content = await readLength(bytes, share: &share) { return true }
        return false
    }

    private static let budgetSpent = HTTPRejection.overloaded(reason: "too many contents in arrival; try again later")

    private nonisolated(nonsending) func readLength(_ length: Int, share: inout ContentShare) async -> ContentEnd {
        // Exactly: this is the array in which the content stays. A client that announces much and sends little costs
        // address space, and no more.
        var content: [UInt8] = []
        content.reserveCapacity(length)
        takeUnread { piece in
            let count = min(piece.count, length)
            content.append(contentsOf: piece[..<count])
            return count
        }
        let start = now
        var bytesInARow = 0
        while content.count < length {
            switch read(into: &content, bytesMax: length - content.count) {
            case .bytes(let count):
                guard share.grow(toCover: content.count) else { return .rejected(Self.budgetSpent) }
                bytesInARow += count
                if bytesInARow >= Self.bytesInARowMax {
                    bytesInARow = 0
                    await Task.yield()
                }
            case .end: return .ended
            case .nothingYet:
                bytesInARow = 0
                if let end = await waitForMore(since: start, bytesArrived: content.count) { return end }
            }
        }
        return .content(content)
    }

    private nonisolated(nonsending) func readChunked(bytesMax: Int, share: inout ContentShare) async -> ContentEnd {
        var decoder = ContentDecoder(contentBytesMax: bytesMax, limits: settings.limits)
        var content: [UInt8] = []
        let start = now
        var bytesSeen = 0  // with the framing, which counts as progress too
        var bytesInARow = 0
        while true {
            var progress: ContentDecoder.Progress?
            if hasUnread {
                takeUnread { piece in
                    progress = decoder.decode(piece, into: &content)
                    if case .done(let consumed) = progress { return consumed }
                    return piece.count
                }
            } else {
                switch decode(from: worker.loop.readBuffer, with: &decoder, into: &content, progress: &progress) {
                case .bytes(let count):
                    bytesSeen += count
                    bytesInARow += count
                case .end: return .ended
                case .nothingYet:
                    bytesInARow = 0
                    if let end = await waitForMore(since: start, bytesArrived: bytesSeen) { return end }
                    continue
                }
            }
            switch progress {
            case .done: return .content(Self.fitted(content))
            case .rejected(let rejection): return .rejected(rejection)
            case .needsMore, nil: break
            }
            guard share.grow(toCover: content.count) else { return .rejected(Self.budgetSpent) }
            if content.count >= Self.chunkedBytesBeforeReserve { content.reserveCapacity(bytesMax) }
            if bytesInARow >= Self.bytesInARowMax {
                bytesInARow = 0
                await Task.yield()
            }
        }
    }

    /// The content without the room that it did not need: it may stay for long.
    private static func fitted(_ content: [UInt8]) -> [UInt8] {
        content.capacity > 2 * max(content.count, chunkedBytesBeforeReserve) ? content.map { $0 } : content
    }

    /// One read, decoded. What follows the content is kept for the next request.
    private func decode(
        from buffer: UnsafeMutableRawBufferPointer, with decoder: inout ContentDecoder, into content: inout [UInt8],
        progress: inout ContentDecoder.Progress?
    ) -> Socket.ReadEnd {
        guard let end = try? socket.read(into: buffer) else { return .end }
        guard case .bytes(let count) = end else { return end }
        let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        progress = decoder.decode(piece, into: &content)
        if case .done(let consumed) = progress, consumed < count {
            keep(UnsafeRawBufferPointer(rebasing: piece[consumed...]))
        }
        return end
    }

    /// One read, straight into the room that `content` has reserved. A failed connection has come to its end.
    private func read(into content: inout [UInt8], bytesMax: Int) -> Socket.ReadEnd {
        var end = Socket.ReadEnd.end
        content.append(addingCapacity: bytesMax) { span in
            span.withUnsafeMutableBufferPointer { buffer, initializedCount in
                let room = UnsafeMutableRawBufferPointer(
                    start: buffer.baseAddress.map { $0 + initializedCount }, count: bytesMax)
                end = (try? socket.read(into: room)) ?? .end
                if case .bytes(let count) = end { initializedCount += count }
            }
        }
        return end
    }

    /// Nil: go on reading.
    private nonisolated(nonsending) func waitForMore(since start: ContinuousClock.Instant, bytesArrived: Int) async
        -> ContentEnd?
    {
        switch await waitForContent(since: start, bytesArrived: bytesArrived) {
        case .ready: return nil
        case .timedOut: return .rejected(.requestTimeout)
        case .interrupted: return .rejected(.shuttingDown)
        }
    }

    /// False where the client has left.
    private nonisolated(nonsending) func sendContinue() async -> Bool {
        var bytesSent = 0
        while bytesSent < ResponseSerializer.continueResponse.count {
            let count = ResponseSerializer.continueResponse.withUnsafeBytes { bytes in
                try? socket.write(UnsafeRawBufferPointer(rebasing: bytes[bytesSent...]))
            }
            guard let count else { return false }
            bytesSent += count
            if count == 0 {
                let deadline = now + settings.writeTimeout
                guard await socket.wait(for: .writable, until: deadline) == .ready else { return false }
            }
        }
        return true
    }
}

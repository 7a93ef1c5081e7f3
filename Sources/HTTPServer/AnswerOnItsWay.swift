/// An answer that is being written: what is left of it, what it holds, and who is to be told of its fate.
struct AnswerOnItsWay: ~Copyable {
    private var writer: ResponseWriter
    private let share: AnswerShare
    private var onBegun: (@Sendable () -> Void)?
    private var onUnsent: (@Sendable () async -> Void)?
    /// The connection ends after it.
    let closes: Bool
    /// The client may still send what nobody will read.
    let leavesUnread: Bool
    let start: ContinuousClock.Instant

    init(
        writer: consuming ResponseWriter, share: consuming AnswerShare, onBegun: (@Sendable () -> Void)?,
        onUnsent: (@Sendable () async -> Void)?, closes: Bool, leavesUnread: Bool, start: ContinuousClock.Instant
    ) {
        self.writer = writer
        self.share = share
        self.onBegun = onBegun
        self.onUnsent = onUnsent
        self.closes = closes
        self.leavesUnread = leavesUnread
        self.start = start
    }

    var bytesWritten: Int { writer.bytesWrittenInAll }

    /// Writes as much as there is room for.
    mutating func write() -> ResponseWriter.Step {
        let step = writer.write()
        if writer.hasBegun {
            onBegun.take()?()
            onUnsent = nil
        }
        if step == .done { writer.finish() }
        return step
    }

    /// No more of it will be written. Tells so where nothing was.
    consuming nonisolated(nonsending) func end() async {
        writer.finish()
        await onUnsent.take()?()
    }
}

/// Where an answer that a client reads slowly stands meanwhile.
// SAFETY: it goes from its connection's loop to the connection's task, on the same loop, and is taken there once.
final class UnfinishedAnswer: @unchecked Sendable {
    private var answer: AnswerOnItsWay?

    init(_ answer: consuming AnswerOnItsWay) {
        self.answer = consume answer
    }

    func take() -> AnswerOnItsWay {
        guard let answer = answer.take() else { preconditionFailure("An answer is finished once") }
        return answer
    }
}

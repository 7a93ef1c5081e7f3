import Channels
import Synchronization

/// Answers within two seconds what a backend is called for, whatever the backend does.
///
/// ## How it works
/// A call runs in a task of its own, beside an alarm on the layer's clock (or without a task: ``ParkedSend``); what ends
/// first is the answer. At the alarm the
/// call goes on, unanswered, and what becomes of it is dropped: nobody can stop what a store does. Meanwhile it holds its
/// message. Therefore, once so many go on unanswered, no more calls begin until some have come to an end (those that are
/// under way by then may yet join them); and all calls that have not ended, answered or not, are bounded in bytes of content.
final class AnswerLimit: Sendable {
    static let duration = Duration.seconds(2)
    /// Where so many sends of a layer go on unanswered, no more begin. Not how many of them there are at most: those count that
    /// were under way at their alarm, too.
    static let unansweredSendsMax = 1024
    /// Content of a layer's sends that have not ended, in bytes at most. One send alone may have more.
    static let contentBytesMax = 268_435_456

    private let clock: any ChannelClock
    private let unansweredMax: Int
    private let unansweredCount = Atomic<Int>(0)
    /// Of all calls that have not ended.
    private let contentBytes = Atomic<Int>(0)
    /// What is answered at the deadline.
    let late: ChannelError
    /// What is answered where nothing was begun.
    private let refused: ChannelError

    private init(_ clock: any ChannelClock, unansweredMax: Int, late: ChannelError, refused: ChannelError) {
        self.clock = clock
        self.unansweredMax = unansweredMax
        self.late = late
        self.refused = refused
    }

    static func ofSends(on clock: any ChannelClock) -> AnswerLimit {
        AnswerLimit(
            clock, unansweredMax: unansweredSendsMax,
            late: ChannelError(
                .outcomeUnknown,
                "The layer's backend has not answered within two seconds: the message may be stored, or may be yet."),
            refused: ChannelError(
                .backendUnavailable, "The layer's backend does not keep up. Nothing was stored; try again later."
            ))
    }

    /// Of checks that are made one at a time: a backend that still owes an answer is not ready, however often it is asked.
    static func ofReadinessChecks(on clock: any ChannelClock) -> AnswerLimit {
        let error = ChannelError(.backendUnavailable, "it does not answer within two seconds")
        return AnswerLimit(clock, unansweredMax: 1, late: error, refused: error)
    }

    /// When a call that begins now is to be answered.
    var deadline: ContinuousClock.Instant { clock.now + Self.duration }

    /// Calls `operation`, and answers what it does, or `late` at the deadline.
    ///
    /// - Parameter ownBytes: the content that `operation` holds until it ends.
    /// - Throws: `refused`, with nothing done, where the deadline has passed already, or too much is unanswered.
    func answer<Value: Sendable>(
        by deadline: ContinuousClock.Instant, holding ownBytes: Int = 0,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard clock.now < deadline else { throw refused }
        try begin(holding: ownBytes)
        let answer = FirstAnswer<Value>()
        // It has no end but its own, on purpose: see above.
        Task {
            let result: Result<Value, any Error>
            do {
                result = .success(try await operation())
            } catch {
                result = .failure(error)
            }
            end(holding: ownBytes, wasAnswered: answer.give(result))
        }
        let alarm = clock.schedule(at: deadline) { [self] in
            goOnUnanswered()
            if !answer.give(.failure(late)) { endUnanswered() }
        }
        defer { alarm.cancel() }
        return try await answer.value()
    }

    // MARK: By hand

    /// A call begins that holds so much content until `end`.
    ///
    /// - Throws: `refused`, with nothing begun, where too much is unanswered.
    func begin(holding ownBytes: Int) throws(ChannelError) {
        guard unansweredCount.load(ordering: .relaxed) < unansweredMax, hold(ownBytes) else { throw refused }
    }

    /// A call has ended; unless it `wasAnswered`, it had gone on without.
    func end(holding ownBytes: Int, wasAnswered: Bool) {
        contentBytes.subtract(ownBytes, ordering: .relaxed)
        if !wasAnswered { endUnanswered() }
    }

    /// A call is about to be answered with `late`. Before it is, so that the count is never below what is there; where it was
    /// answered meanwhile, `endUnanswered` follows.
    func goOnUnanswered() { unansweredCount.add(1, ordering: .relaxed) }

    func endUnanswered() { unansweredCount.subtract(1, ordering: .relaxed) }

    /// False, with nothing held, where it is too much.
    private func hold(_ ownBytes: Int) -> Bool {
        let others = contentBytes.add(ownBytes, ordering: .relaxed).oldValue
        if others == 0 || others + ownBytes <= Self.contentBytesMax { return true }
        contentBytes.subtract(ownBytes, ordering: .relaxed)
        return false
    }
}

/// Of several answers the first one, for one who waits for it.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open(CheckedContinuation<Value, any Error>?)
        case given(Result<Value, any Error>)
    }

    private let state = Mutex(State.open(nil))

    /// False where there was one before.
    func give(_ answer: Result<Value, any Error>) -> Bool {
        let (isFirst, continuation): (Bool, CheckedContinuation<Value, any Error>?) = state.withLock { state in
            guard case .open(let continuation) = state else { return (false, nil) }
            state = .given(answer)
            return (true, continuation)
        }
        continuation?.resume(with: answer)
        return isFirst
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let given: Result<Value, any Error>? = state.withLock { state in
                if case .given(let answer) = state { return answer }
                state = .open(continuation)
                return nil
            }
            if let given { continuation.resume(with: given) }
        }
    }
}

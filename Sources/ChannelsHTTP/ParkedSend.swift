import Channels
import HTTPCore
import Synchronization

/// A send that waits for its backend without a task. Nothing but the backend, or the time limit, ends it: a client that hangs
/// up takes nothing back.
final class ParkedSend<Receipt: Sendable>: EndpointWait {
    let deadline: ContinuousClock.Instant
    let endsWithClient = false
    private let limit: AnswerLimit
    private let contentBytes: Int
    private let exchange: any HTTPExchange
    private let answer: @Sendable (Receipt) -> HTTPResponse
    private let result = Mutex<Result<Receipt, any Error>?>(nil)

    /// - Parameters:
    ///   - contentBytes: what `limit` was asked for when the send began.
    ///   - answer: makes the answer of the receipt.
    init(
        limitedBy limit: AnswerLimit, contentBytes: Int, exchange: any HTTPExchange,
        answer: @escaping @Sendable (Receipt) -> HTTPResponse
    ) {
        self.limit = limit
        deadline = limit.deadline
        self.contentBytes = contentBytes
        self.exchange = exchange
        self.answer = answer
    }

    /// The backend's answer. Once.
    func complete(_ result: Result<Receipt, any Error>) {
        let isFirst = give(result)
        limit.end(holding: contentBytes, wasAnswered: isFirst)
        if isFirst { exchange.waitEnded() }
    }

    func end(_ cause: WaitEndCause) {
        limit.goOnUnanswered()
        if give(.failure(limit.late)) {
            exchange.waitEnded()
        } else {
            limit.endUnanswered()
        }
    }

    func response() throws -> HTTPResponse {
        guard let result = result.withLock({ $0 }) else { preconditionFailure("asked once it has ended") }
        return answer(try result.get())
    }

    private func give(_ answer: Result<Receipt, any Error>) -> Bool {
        result.withLock { result in
            guard result == nil else { return false }
            result = answer
            return true
        }
    }
}

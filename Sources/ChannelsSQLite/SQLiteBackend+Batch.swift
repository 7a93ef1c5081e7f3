public import Channels
import Synchronization

extension SQLiteBackend: BatchingChannelBackend {
    /// All of them share transactions, as far as these go.
    public func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        guard !sends.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let answers = Answers(count: sends.count) { continuation.resume(returning: $0) }
            let calls = sends.enumerated().map { index, send in
                TypedCall(contentBytes: send.message.content.count) { store in
                    try store.send(send)
                } finish: {
                    answers.set($0, at: index)
                }
            }
            writer.enqueue(calls)
        }
    }
}

extension Store {
    fileprivate func send(_ send: BatchedSend) throws -> BatchedReceipt {
        switch send {
        case .channel(let channel, let message, let options):
            .channel(try receipt(sending: message, to: channel, options: options))
        case .group(let group, let message, let options):
            .group(try receipt(sending: message, to: group, options: options))
        }
    }
}

/// Gathers the answers of several calls, and tells when all are there.
private final class Answers<Value: Sendable>: Sendable {
    private struct State {
        var answers: [Result<Value, any Error>?]
        var missingCount: Int
    }

    private let state: Mutex<State>
    private let finish: @Sendable ([Result<Value, any Error>]) -> Void

    init(count: Int, finish: @escaping @Sendable ([Result<Value, any Error>]) -> Void) {
        state = Mutex(State(answers: Array(repeating: nil, count: count), missingCount: count))
        self.finish = finish
    }

    func set(_ answer: Result<Value, any Error>, at index: Int) {
        let all: [Result<Value, any Error>]? = state.withLock { state in
            state.answers[index] = answer
            state.missingCount -= 1
            return state.missingCount == 0 ? state.answers.compactMap(\.self) : nil
        }
        if let all { finish(all) }
    }
}

import HTTPClient
import Synchronization

/// Writes the history of all clients down, and says when it is time to end a round.
///
/// Rounds end after a number of answers rather than after a time, so that a slow machine gives as long a history as a fast one.
final class Recorder: Sendable {
    private struct State {
        var tick = 0
        var history = History()
        /// Requests whose client no longer waits: not over before the server is gone.
        var unanswered: [History.Request] = []
        var answersLeft = 0
        var onLastAnswer: (@Sendable () -> Void)?
        var isOver = true
        var surprises: [String] = []
    }

    private let state = Mutex(State())

    /// Begins a round; `onLastAnswer` is called once, by the client that got the last of `answersCount` answers, at once.
    func beginRound(answersCount: Int, onLastAnswer: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.answersLeft = answersCount
            state.onLastAnswer = onLastAnswer
            state.isOver = false
        }
    }

    /// After a round, when the server is gone: what had no answer by now gets none.
    func endRound() {
        state.withLock { state in
            state.isOver = true
            state.onLastAnswer = nil
            state.tick += 1
            for var request in state.unanswered {
                request.over = state.tick
                state.history.requests.append(request)
            }
            state.unanswered = []
        }
    }

    /// Whether clients shall stop.
    var isOver: Bool { state.withLock { $0.isOver } }

    var history: History { state.withLock { $0.history } }

    /// Answers that no client should ever see.
    var surprises: [String] { state.withLock { $0.surprises } }

    /// Asks, and notes what was asked and what came of it.
    ///
    /// - Parameter ask: returns nil where no answer came.
    @discardableResult
    func record(
        _ action: History.Action, asking ask: () async -> History.Outcome?
    ) async -> History.Outcome? {
        let began = state.withLock { state in
            state.tick += 1
            return state.tick
        }
        let outcome = await ask()
        let last: (@Sendable () -> Void)? = state.withLock { state in
            state.tick += 1
            var request = History.Request(action: action, began: began, over: state.tick, outcome: outcome ?? .open)
            guard let outcome, outcome != .abandoned else {
                request.over = .max
                state.unanswered.append(request)
                return nil
            }
            state.history.requests.append(request)
            state.answersLeft -= 1
            guard state.answersLeft == 0 else { return nil }
            state.isOver = true
            return state.onLastAnswer
        }
        last?()
        return outcome
    }

    func note(surprise: String) {
        state.withLock { $0.surprises.append(surprise) }
    }
}

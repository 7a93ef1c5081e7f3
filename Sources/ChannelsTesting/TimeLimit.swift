import Synchronization

/// Runs `operation`, but waits for it no longer than `limit`, in real time. Nil where it took longer: it is cancelled then.
///
/// It is not structured on purpose: what a broken backend never returns from would hold up the test run for ever.
func finished<Value: Sendable>(
    within limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    let race = Race<Value>()
    let work = Task {
        do {
            race.end(.success(try await operation()))
        } catch {
            race.end(.failure(error))
        }
    }
    let alarm = Task {
        try await Task.sleep(for: limit)
        race.end(nil)
    }
    let result = await withTaskCancellationHandler {
        await race.result()
    } onCancel: {
        work.cancel()
    }
    work.cancel()
    alarm.cancel()
    return try result?.get()
}

/// The first end of several counts.
private final class Race<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, any Error>?

    private enum State {
        case open(CheckedContinuation<Outcome, Never>?)
        case over(Outcome)
    }

    private let state = Mutex(State.open(nil))

    func end(_ outcome: Outcome) {
        let continuation: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            guard case .open(let continuation) = state else { return nil }
            state = .over(outcome)
            return continuation
        }
        continuation?.resume(returning: outcome)
    }

    func result() async -> Outcome {
        await withCheckedContinuation { continuation in
            let outcome: Outcome? = state.withLock { state in
                if case .over(let outcome) = state { return .some(outcome) }
                state = .open(continuation)
                return nil
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}

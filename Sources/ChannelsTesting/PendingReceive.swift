import Channels

/// A receive that was begun and may wait.
struct PendingReceive: Sendable {
    let task: Task<[Delivery], any Error>
    let answerLimit: Duration

    func cancel() { task.cancel() }

    /// What it returned. Call it once the end of the wait has been brought about.
    ///
    /// - Throws: `Breach` where it does not end; what it threw.
    func deliveries() async throws -> [Delivery] {
        let deliveries = try await finished(within: answerLimit) { [task] in
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
        guard let deliveries else {
            throw Breach(expected: "an end of the wait", seen: "none within \(answerLimit)")
        }
        return deliveries
    }

    func texts() async throws -> [String] { try await deliveries().map(\.text) }

    /// What it returned, nothing where it was cancelled before it had taken anything.
    func deliveriesUnlessCancelled() async throws -> [Delivery] {
        do {
            return try await deliveries()
        } catch is CancellationError where task.isCancelled {
            try Task.checkCancellation()
            return []
        }
    }
}

extension Delivery {
    /// The content as text.
    var text: String { String(decoding: message.content, as: UTF8.self) }
}

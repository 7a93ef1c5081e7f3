import Reactor
import Synchronization

/// What happened, in words, for tests that wait for it.
final class Journal: Sendable {
    private struct State {
        var entries: [String] = []
        var waits: [(entry: String, count: Int, continuation: UnsafeContinuation<Bool, Never>)] = []

        func has(_ entry: String, _ count: Int) -> Bool {
            entries.count { $0 == entry } >= count
        }
    }

    private let state = Mutex(State())

    var entries: [String] { state.withLock { $0.entries } }

    func note(_ entry: String) {
        let due = state.withLock { state in
            state.entries.append(entry)
            let waits = state.waits
            let due = waits.filter { state.has($0.entry, $0.count) }
            state.waits = waits.filter { !state.has($0.entry, $0.count) }
            return due.map(\.continuation)
        }
        for continuation in due { continuation.resume(returning: true) }
    }

    /// What was waited for never came.
    struct TooLate: Error, CustomStringConvertible {
        let description: String
    }

    /// Returns when `entry` stands there `count` times. On a loop.
    ///
    /// - Throws: ``TooLate`` when `patience` is over.
    func wait(for entry: String, count: Int = 1, patience: Duration = Client.patience) async throws {
        let timeLimit = EventLoop.current!.schedule(at: .now + patience) { [self] in giveUp(entry, count) }
        let isThere = await withUnsafeContinuation { continuation in
            let isThere = state.withLock { state in
                if state.has(entry, count) { return true }
                state.waits.append((entry, count, continuation))
                return false
            }
            if isThere { continuation.resume(returning: true) }
        }
        timeLimit.cancel()
        guard isThere else { throw TooLate(description: "no '\(entry)' (\(count)) in \(entries)") }
    }

    private func giveUp(_ entry: String, _ count: Int) {
        let late = state.withLock { state in
            let late = state.waits.filter { $0.entry == entry && $0.count == count }
            state.waits.removeAll { $0.entry == entry && $0.count == count }
            return late.map(\.continuation)
        }
        for continuation in late { continuation.resume(returning: false) }
    }
}

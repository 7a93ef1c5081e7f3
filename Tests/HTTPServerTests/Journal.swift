import Synchronization

/// What happened, in words, for tests that wait for it.
final class Journal: Sendable {
    private struct State {
        var entries: [String] = []
        var waits: [(entry: String, count: Int, continuation: UnsafeContinuation<Void, Never>)] = []

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
        for continuation in due { continuation.resume() }
    }

    /// Returns when `entry` stands there `count` times. A test's time limit is for the case where it never does.
    func wait(for entry: String, count: Int = 1) async {
        await withUnsafeContinuation { continuation in
            let isThere = state.withLock { state in
                if state.has(entry, count) { return true }
                state.waits.append((entry, count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

import Dispatch

/// A thread for long computations of tests, one after the other: the pool has as many threads as the machine has cores, and who
/// waits there for something has to wait for a computation as well.
enum OwnThread {
    private static let queue = DispatchQueue(label: "long computations")

    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

import Channels

/// A call with its operation, and whom to answer.
// SAFETY: `outcome` and `isRepeated` are touched by the writer's thread only.
final class TypedCall<Value: Sendable>: Call, @unchecked Sendable {
    let contentBytes: Int
    let mustNotFail: Bool
    var isRepeated = false
    private let operation: @Sendable (Store) throws -> Value
    private let finish: @Sendable (Result<Value, any Error>) -> Void
    private var outcome: Result<Value, any Error>?

    init(
        contentBytes: Int = 0, mustNotFail: Bool = false, _ operation: @escaping @Sendable (Store) throws -> Value,
        finish: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        self.contentBytes = contentBytes
        self.mustNotFail = mustNotFail
        self.operation = operation
        self.finish = finish
    }

    func run(in store: Store) throws {
        do {
            outcome = .success(try operation(store))
        } catch let refusal as ChannelError {
            outcome = .failure(refusal)
        }
    }

    func answer(error: (any Error)?) {
        finish(error.map { .failure($0) } ?? outcome ?? .failure(StoreError.unavailable("The layer is closed.")))
    }
}

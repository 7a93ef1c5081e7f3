/// An operation that waits for the writer's thread.
protocol Call: AnyObject, Sendable {
    /// Bytes of content that it carries.
    var contentBytes: Int { get }
    /// True where a failure of the store is no answer: it is tried again until the store works.
    var mustNotFail: Bool { get }
    /// Whether there was more in its way than a slice. Of the writer's thread.
    var isRepeated: Bool { get set }

    /// Runs it inside of a transaction and keeps what came of it, a refusal too. May be run again after a rollback.
    ///
    /// - Throws: ``WorkRemains``, or what ends the transaction.
    func run(in store: Store) throws

    /// Answers the caller: with what came of it or, where the transaction failed, with `error`. Once.
    func answer(error: (any Error)?)
}

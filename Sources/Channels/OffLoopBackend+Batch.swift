extension OffLoopBackend: BatchingChannelBackend where Base: BatchingChannelBackend {
    /// One call on the layer's threads, which may block one of them for all of the sends.
    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        do {
            return try await calls.run { await base.sendEach(sends) }
        } catch {
            return sends.map { _ in .failure(error) }
        }
    }
}

/// ``Layer/batching`` offers this only where the backend inside can do it.
extension PolledBackend: BatchingChannelBackend {
    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        guard let base = base as? any BatchingChannelBackend else { return await sendOneByOne(sends) }
        let channels = sends.compactMap { send in if case .channel(let channel, _, _) = send { channel } else { nil } }
        let hasGroupSends = channels.count < sends.count
        if hasGroupSends { poller.groupSendBegins() }
        // Whatever became of them, they may have been stored.
        defer {
            if hasGroupSends { poller.groupSendEnded() }
            poller.ring(channels)
        }
        return await base.sendEach(sends)
    }

    private func sendOneByOne(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        var results: [Result<BatchedReceipt, any Error>] = []
        for entry in sends {
            do {
                switch entry {
                case .channel(let channel, let message, let options):
                    results.append(.success(.channel(try await send(message, to: channel, options: options))))
                case .group(let group, let message, let options):
                    results.append(.success(.group(try await sendGroup(message, to: group, options: options))))
                }
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }
}

import Channels
import ChannelsReference
import Synchronization

/// Hands the next message to a receiver whose wait was cancelled, so that nobody gets it.
final class ServingTheGone: WrappingBackend {
    let base: any WaitingChannelBackend
    private let gone = Mutex<Set<ChannelName>>([])

    init(base: any WaitingChannelBackend) { self.base = base }

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        do {
            return try await base.receiveManyBlocking(channels, options: options, until: deadline)
        } catch let error as CancellationError {
            gone.withLock { $0.formUnion(channels) }
            throw error
        }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        let isForTheGone = gone.withLock { $0.remove(channel) != nil }
        return try await base.send(message, to: isForTheGone ? ChannelName("nobody") : channel, options: options)
    }
}

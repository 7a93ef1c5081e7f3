import Channels
import ChannelsReference

/// A message that ends a wait is left in its channel, for the next one.
struct WakingSeveral: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        let deliveries = try await base.receiveManyBlocking(channels, options: options, until: deadline)
        _ = await base.giveBack(deliveries)
        return deliveries
    }
}

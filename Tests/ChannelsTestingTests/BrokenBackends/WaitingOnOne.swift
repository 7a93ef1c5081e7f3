import Channels
import ChannelsReference

/// Waits on the first channel alone.
struct WaitingOnOne: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        let deliveries = try await base.receiveMany(channels, options: options)
        guard deliveries.isEmpty else { return deliveries }
        return try await base.receiveManyBlocking(Array(channels.prefix(1)), options: options, until: deadline)
    }
}

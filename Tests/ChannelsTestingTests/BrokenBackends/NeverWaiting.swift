import Channels
import ChannelsReference

/// A receive that may wait does not.
struct NeverWaiting: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options)
    }
}

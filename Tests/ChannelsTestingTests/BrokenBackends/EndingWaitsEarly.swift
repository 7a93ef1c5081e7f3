import Channels
import ChannelsReference

/// A wait ends a tenth of a second too early.
struct EndingWaitsEarly: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await base.receiveManyBlocking(channels, options: options, until: deadline - .milliseconds(100))
    }
}

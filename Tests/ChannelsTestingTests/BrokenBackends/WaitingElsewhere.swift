import Channels
import ChannelsReference

/// Waits on a channel that nobody sends to.
struct WaitingElsewhere: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await base.receiveManyBlocking([ChannelName("nobody")], options: options, until: deadline)
    }
}

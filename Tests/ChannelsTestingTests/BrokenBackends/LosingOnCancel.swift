import Channels
import ChannelsReference

/// A wait that is cancelled forgets what it had taken.
struct LosingOnCancel: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        let deliveries = try await base.receiveManyBlocking(channels, options: options, until: deadline)
        // As one would who sends the messages on before he returns.
        for _ in 0..<20 {
            await Task.yield()
            try Task.checkCancellation()
        }
        return deliveries
    }
}

import Channels
import ChannelsReference

/// Takes several messages at a time, and says them in the wrong order.
struct Reordering: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options).reversed()
    }
}

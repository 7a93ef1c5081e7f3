import Channels
import ChannelsReference

/// Takes what there is in the first channel, before it looks into the next.
struct FirstNameFirst: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        for channel in channels {
            let deliveries = try await base.receiveMany([channel], options: options)
            if !deliveries.isEmpty { return deliveries }
        }
        return []
    }
}

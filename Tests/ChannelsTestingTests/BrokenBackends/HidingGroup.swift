import Channels
import ChannelsReference

/// Does not say by which group a message came.
struct HidingGroup: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options).map { delivery in
            var delivery = delivery
            delivery.group = nil
            return delivery
        }
    }
}

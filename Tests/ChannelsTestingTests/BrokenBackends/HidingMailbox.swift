import Channels
import ChannelsReference

/// Says the mailbox's name instead of the channel's.
struct HidingMailbox: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options).map { delivery in
            var delivery = delivery
            delivery.channel = delivery.channel.queue
            return delivery
        }
    }
}

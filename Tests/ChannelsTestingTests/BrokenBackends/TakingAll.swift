import Channels
import ChannelsReference

/// Takes all that is there.
struct TakingAll: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: ReceiveOptions(messagesMax: 1000))
    }
}

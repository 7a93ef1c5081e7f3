import Channels
import ChannelsReference

/// Tells channels apart by their first 100 characters.
struct ShorteningNames: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: shortened(channel), options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels.map(shortened), options: options)
    }

    private func shortened(_ channel: ChannelName) throws -> ChannelName {
        try ChannelName(String(channel.rawValue.prefix(100)))
    }
}

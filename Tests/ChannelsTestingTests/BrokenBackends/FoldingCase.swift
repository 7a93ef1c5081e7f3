import Channels
import ChannelsReference

/// Takes names that differ in case for one.
struct FoldingCase: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: ChannelName(channel.rawValue.lowercased()), options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels.map { try ChannelName($0.rawValue.lowercased()) }, options: options)
    }
}

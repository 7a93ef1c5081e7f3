import Channels
import ChannelsReference

/// Takes everything for JSON.
struct ForgettingType: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(Message(content: message.content), to: channel, options: options)
    }
}

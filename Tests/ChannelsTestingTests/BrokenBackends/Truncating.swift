import Channels
import ChannelsReference

/// Keeps the first 4 MiB of a message.
struct Truncating: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        var message = message
        message.content = Array(message.content.prefix(4 << 20))
        return try await base.send(message, to: channel, options: options)
    }
}

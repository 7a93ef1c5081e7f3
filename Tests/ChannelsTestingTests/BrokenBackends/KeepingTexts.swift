import Channels
import ChannelsReference

/// Keeps contents as texts.
struct KeepingTexts: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        var message = message
        message.content = Array(String(decoding: message.content, as: UTF8.self).utf8)
        return try await base.send(message, to: channel, options: options)
    }
}

import Channels
import ChannelsReference

/// Keeps messages, whatever their expiry.
struct NeverExpiring: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: SendOptions(expiry: .seconds(1_000_000)))
    }
}

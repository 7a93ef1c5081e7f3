import Channels
import ChannelsReference

/// Lets messages wait for less than half as long as they may.
struct ExpiringEarly: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        let expiry = options.expiry.map { max(.zero, $0 / 2 - .milliseconds(2)) }
        return try await base.send(message, to: channel, options: SendOptions(expiry: expiry))
    }
}

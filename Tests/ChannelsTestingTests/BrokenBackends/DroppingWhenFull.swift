import Channels
import ChannelsReference

/// Drops what finds no room, and says that it was accepted.
struct DroppingWhenFull: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        do {
            return try await base.send(message, to: channel, options: options)
        } catch let error as ChannelError where error.code == .channelFull {
            let receipt = try await base.send(message, to: ChannelName("dropped"), options: SendOptions(expiry: .zero))
            return SendReceipt(id: receipt.id, pending: error.limit, capacity: error.limit)
        }
    }
}

import Channels
import ChannelsReference

/// Numbers the messages of each forty anew.
struct ReusingIDs: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        var receipt = try await base.send(message, to: channel, options: options)
        receipt.id = MessageID(epoch: receipt.id.epoch, number: receipt.id.number % 40)
        return receipt
    }
}

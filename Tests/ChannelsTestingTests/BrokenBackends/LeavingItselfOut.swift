import Channels
import ChannelsReference

/// Does not count the message itself among those that wait.
struct LeavingItselfOut: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        var receipt = try await base.send(message, to: channel, options: options)
        receipt.pending = receipt.pending.map { $0 - 1 }
        return receipt
    }
}

import Channels
import ChannelsReference

/// Says a capacity, and takes more. `base` has a hundred times as much room.
struct ForgettingCapacity: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        var receipt = try await base.send(message, to: channel, options: options)
        receipt.capacity = receipt.capacity.map { $0 / 100 }
        return receipt
    }
}

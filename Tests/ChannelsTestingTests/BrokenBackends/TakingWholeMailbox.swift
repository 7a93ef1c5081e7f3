import Channels
import ChannelsReference

/// A receive from one channel of a mailbox takes from all of them.
struct TakingWholeMailbox: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels.map(\.queue), options: options)
    }
}

import Channels
import ChannelsReference

/// A look at a channel has its group copies judged.
struct SettlingByLooking: WrappingBackend {
    let base: any WaitingChannelBackend

    func status(of channel: ChannelName) async throws -> ChannelStatus {
        let deliveries = try await base.receiveMany([channel], options: ReceiveOptions())
        _ = await base.giveBack(deliveries)
        return try await base.status(of: channel)
    }
}

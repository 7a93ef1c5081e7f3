import Channels
import ChannelsReference

/// What comes back is sent again.
struct GivingBackToTail: WrappingBackend {
    let base: any WaitingChannelBackend

    func giveBack(_ deliveries: [Delivery]) async -> Int {
        var lost = 0
        for delivery in deliveries {
            let receipt = try? await base.send(delivery.message, to: delivery.channel, options: SendOptions())
            if receipt == nil { lost += 1 }
        }
        return lost
    }
}

import Channels
import ChannelsReference

/// Says that it takes deliveries back, and loses them.
struct GivingNothingBack: WrappingBackend {
    let base: any WaitingChannelBackend

    func giveBack(_ deliveries: [Delivery]) async -> Int { 0 }
}

import Channels
import ChannelsReference

/// Delivers a copy only to who is a member when it is taken.
struct AskingWhoIsMember: WrappingBackend {
    let base: any WaitingChannelBackend

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        var kept: [Delivery] = []
        for delivery in try await base.receiveMany(channels, options: options) {
            guard let group = delivery.group else {
                kept.append(delivery)
                continue
            }
            let members = try await base.groupMembers(group, options: GroupMembersOptions())
            if members.channels.contains(delivery.channel) { kept.append(delivery) }
        }
        return kept
    }
}

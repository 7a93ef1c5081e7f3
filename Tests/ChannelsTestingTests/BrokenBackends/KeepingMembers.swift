import Channels
import ChannelsReference

/// A channel that leaves a group stays in it.
struct KeepingMembers: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {}
}

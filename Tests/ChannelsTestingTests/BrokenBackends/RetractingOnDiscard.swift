import Channels
import ChannelsReference

/// Who leaves a group loses what was sent to it before.
struct RetractingOnDiscard: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await base.groupDiscard(channel, from: group)
        try await base.purge(channel)
    }
}

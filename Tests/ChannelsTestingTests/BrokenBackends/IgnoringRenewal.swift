import Channels
import ChannelsReference

/// Who is a member cannot be added again.
struct IgnoringRenewal: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        let members = try await base.groupMembers(group, options: GroupMembersOptions())
        guard !members.channels.contains(channel) else { return }
        try await base.groupAdd(channel, to: group, options: options)
    }
}

import Channels
import ChannelsReference

/// Says the members of a page in no order.
struct UnorderedMembers: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        var page = try await base.groupMembers(group, options: options)
        page.channels.reverse()
        return page
    }
}

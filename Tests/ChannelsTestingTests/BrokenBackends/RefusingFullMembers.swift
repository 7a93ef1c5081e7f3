import Channels
import ChannelsReference

/// Refuses a group send where one of the members is full.
struct RefusingFullMembers: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        for member in try await base.groupMembers(group, options: GroupMembersOptions()).channels {
            let status = try await base.status(of: member)
            if let pending = status.pending, let capacity = status.capacity, pending >= capacity {
                throw ChannelError.channelFull(member, capacity: capacity, pending: pending)
            }
        }
        return try await base.sendGroup(message, to: group, options: options)
    }
}

import Channels
import ChannelsReference

/// A group send is one send to each member, each judged at once.
struct SendingOneByOne: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        let page = try await base.groupMembers(group, options: GroupMembersOptions(limit: 10_000))
        let members = Set(page.channels).subtracting(options.excluded)
        for member in members {
            _ = try? await base.send(message, to: member, options: SendOptions(expiry: options.expiry))
        }
        let receipt = try await base.sendGroup(message, to: GroupName("nobody"), options: GroupSendOptions())
        return GroupSendReceipt(id: receipt.id, members: members.count)
    }
}

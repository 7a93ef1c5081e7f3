import Channels
import ChannelsReference

/// Counts the excluded among the members of a group send.
struct CountingExcluded: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        var receipt = try await base.sendGroup(message, to: group, options: options)
        receipt.members = receipt.members.map { $0 + options.excluded.count }
        return receipt
    }
}

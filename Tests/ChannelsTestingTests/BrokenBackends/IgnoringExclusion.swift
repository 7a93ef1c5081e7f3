import Channels
import ChannelsReference

/// A group send reaches the excluded, too.
struct IgnoringExclusion: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try await base.sendGroup(message, to: group, options: GroupSendOptions(expiry: options.expiry))
    }
}

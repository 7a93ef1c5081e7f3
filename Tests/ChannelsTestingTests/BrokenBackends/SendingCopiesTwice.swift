import Channels
import ChannelsReference

/// Sends to a group twice.
struct SendingCopiesTwice: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        _ = try await base.sendGroup(message, to: group, options: options)
        return try await base.sendGroup(message, to: group, options: options)
    }
}

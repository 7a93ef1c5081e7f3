import Channels
import ChannelsReference

/// Keeps the copies of group sends, whatever their expiry.
struct NeverExpiringCopies: WrappingBackend {
    let base: any WaitingChannelBackend

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        var options = options
        options.expiry = .seconds(1_000_000)
        return try await base.sendGroup(message, to: group, options: options)
    }
}

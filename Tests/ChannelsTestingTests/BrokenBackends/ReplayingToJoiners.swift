import Channels
import ChannelsReference
import Synchronization

/// Who joins a group gets what was sent to it last, too.
final class ReplayingToJoiners: WrappingBackend {
    let base: any WaitingChannelBackend
    private let last = Mutex<[GroupName: Message]>([:])

    init(base: any WaitingChannelBackend) { self.base = base }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        last.withLock { $0[group] = message }
        return try await base.sendGroup(message, to: group, options: options)
    }

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: options)
        guard let message = last.withLock({ $0[group] }) else { return }
        _ = try await base.send(message, to: channel, options: SendOptions())
    }
}

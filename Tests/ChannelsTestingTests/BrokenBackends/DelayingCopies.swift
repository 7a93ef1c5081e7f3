import Channels
import ChannelsReference
import Synchronization

/// Sends to groups when somebody receives.
final class DelayingCopies: WrappingBackend {
    let base: any WaitingChannelBackend
    private let delayed = Mutex<[(message: Message, group: GroupName, options: GroupSendOptions)]>([])

    init(base: any WaitingChannelBackend) { self.base = base }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        delayed.withLock { $0.append((message, group, options)) }
        let receipt = try await base.sendGroup(message, to: GroupName("nobody"), options: options)
        return GroupSendReceipt(id: receipt.id, members: nil)
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let sends = delayed.withLock { delayed in
            defer { delayed = [] }
            return delayed
        }
        for send in sends { _ = try await base.sendGroup(send.message, to: send.group, options: send.options) }
        return try await base.receiveMany(channels, options: options)
    }
}

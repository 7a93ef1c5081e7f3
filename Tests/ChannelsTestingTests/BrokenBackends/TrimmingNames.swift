import Channels
import ChannelsReference

/// Drops what looks like white space or an escape from names.
struct TrimmingNames: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: trimmed(channel), options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels.map(trimmed), options: options)
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(trimmed(channel), to: group, options: options)
    }

    private func trimmed(_ channel: ChannelName) throws -> ChannelName {
        try ChannelName("c" + channel.rawValue.filter { $0 != " " && $0 != "%" })
    }
}

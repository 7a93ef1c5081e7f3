import Channels
import ChannelsReference

/// Keeps for an hour what names no expiry, whatever the layer's settings.
struct IgnoringDefaults: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: SendOptions(expiry: options.expiry ?? .seconds(3600)))
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        let expiry = options.expiry ?? .seconds(3600)
        try await base.groupAdd(channel, to: group, options: GroupAddOptions(expiry: expiry))
    }
}

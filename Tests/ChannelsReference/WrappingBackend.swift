package import Channels

/// A backend that leaves everything to another one, but for what it does itself.
package protocol WrappingBackend: WaitingChannelBackend {
    var base: any WaitingChannelBackend { get }
}

extension WrappingBackend {
    package var traits: BackendTraits { base.traits }

    package func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: options)
    }
    package func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options)
    }
    package func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: options)
    }
    package func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await base.groupDiscard(channel, from: group)
    }
    package func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await base.groupMembers(group, options: options)
    }
    package func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await base.receiveManyBlocking(channels, options: options, until: deadline)
    }
    package func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try await base.sendGroup(message, to: group, options: options)
    }
    package func giveBack(_ deliveries: [Delivery]) async -> Int { await base.giveBack(deliveries) }
    package func purge(_ channel: ChannelName) async throws { try await base.purge(channel) }
    package func removeGroup(_ group: GroupName) async throws { try await base.removeGroup(group) }
    package func flush() async throws { try await base.flush() }
    package func status(of channel: ChannelName) async throws -> ChannelStatus { try await base.status(of: channel) }
    package func stats() async throws -> LayerStats { try await base.stats() }
    package func checkReadiness() async throws { try await base.checkReadiness() }
    package func shutdown() async { await base.shutdown() }
}

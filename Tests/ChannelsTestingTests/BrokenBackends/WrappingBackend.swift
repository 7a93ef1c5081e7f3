import Channels

/// A backend that leaves everything to another one, but for what it does itself, wrongly.
protocol WrappingBackend: WaitingChannelBackend {
    var base: any WaitingChannelBackend { get }
}

extension WrappingBackend {
    var traits: BackendTraits { base.traits }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options)
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: options)
    }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await base.groupDiscard(channel, from: group)
    }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await base.groupMembers(group, options: options)
    }
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await base.receiveManyBlocking(channels, options: options, until: deadline)
    }
    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try await base.sendGroup(message, to: group, options: options)
    }
    func giveBack(_ deliveries: [Delivery]) async -> Int { await base.giveBack(deliveries) }
    func purge(_ channel: ChannelName) async throws { try await base.purge(channel) }
    func removeGroup(_ group: GroupName) async throws { try await base.removeGroup(group) }
    func flush() async throws { try await base.flush() }
    func status(of channel: ChannelName) async throws -> ChannelStatus { try await base.status(of: channel) }
    func stats() async throws -> LayerStats { try await base.stats() }
    func checkReadiness() async throws { try await base.checkReadiness() }
    func shutdown() async { await base.shutdown() }
}

import Synchronization

/// A backend that cannot wait, served as one that can: a ``Poller`` asks it on behalf of all who wait, and is rung by what
/// passes through here. `BackendRegistry` puts it around each backend that needs it.
struct PolledBackend: WaitingChannelBackend {
    let base: any ChannelBackend
    let poller: Poller
    /// Where the next receive begins in its list of names.
    private let rotation = Rotation()

    init(_ base: any ChannelBackend, clock: any ChannelClock) {
        self.base = base
        poller = Poller(backend: base, clock: clock)
    }

    var traits: BackendTraits { base.traits }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        // Whatever became of it, it may have been stored.
        defer { poller.ring(channel) }
        return try await base.send(message, to: channel, options: options)
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        poller.groupSendBegins()
        defer { poller.groupSendEnded() }
        return try await base.sendGroup(message, to: group, options: options)
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(rotation.next(channels), options: options)
    }

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        // It would be asked for once, together with others, and end where there was something for one of them.
        guard deadline > poller.now else { return try await receiveMany(channels, options: options) }
        return try await poller.wait(for: channels, options: options, until: deadline)
    }

    func giveBack(_ deliveries: [Delivery]) async -> Int {
        defer { poller.ring(deliveries.map(\.channel)) }
        return await base.giveBack(deliveries)
    }

    func status(of channel: ChannelName) async throws -> ChannelStatus {
        var status = try await base.status(of: channel)
        status.waiting = poller.waitingCount(for: channel)
        return status
    }

    func stats() async throws -> LayerStats {
        var stats = try await base.stats()
        stats.waiting = poller.waitingCount
        if let lost = stats.lost { stats.lost = lost + poller.lostCount }
        return stats
    }

    func shutdown() async {
        await poller.shutdown()
        await base.shutdown()
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

    func purge(_ channel: ChannelName) async throws { try await base.purge(channel) }
    func removeGroup(_ group: GroupName) async throws { try await base.removeGroup(group) }
    func flush() async throws { try await base.flush() }
    func checkReadiness() async throws { try await base.checkReadiness() }
}

/// Begins lists of names at another one each time.
private final class Rotation: Sendable {
    private let count = Atomic<UInt64>(0)

    func next(_ names: [ChannelName]) -> [ChannelName] {
        guard names.count > 1 else { return names }
        let start = Int(count.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(names.count))
        return Array(names[start...] + names[..<start])
    }
}

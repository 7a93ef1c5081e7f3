import Synchronization

/// A backend that may block, called on threads of its own layer: its callers suspend meanwhile, and nobody else notices.
/// `BackendRegistry` puts it around each backend that does not say `neverBlocks`.
struct OffLoopBackend<Base: ChannelBackend>: ChannelBackend {
    let base: Base
    let calls: OffLoopCalls

    init(_ base: Base, layer: String) {
        self.base = base
        calls = OffLoopCalls(layer: layer)
    }

    var traits: BackendTraits { base.traits }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await calls.run { try await base.send(message, to: channel, options: options) }
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await calls.run {
            // It may have queued behind slow calls for longer than its client had patience.
            try Task.checkCancellation()
            return try await base.receiveMany(channels, options: options)
        }
    }

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await calls.run { try await base.groupAdd(channel, to: group, options: options) }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await calls.run { try await base.groupDiscard(channel, from: group) }
    }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await calls.run { try await base.groupMembers(group, options: options) }
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try await calls.run { try await base.sendGroup(message, to: group, options: options) }
    }

    func giveBack(_ deliveries: [Delivery]) async -> Int {
        // Not counted: refused, it would lose them.
        await withTaskExecutorPreference(calls.threads) { await base.giveBack(deliveries) }
    }

    func purge(_ channel: ChannelName) async throws { try await calls.run { try await base.purge(channel) } }
    func removeGroup(_ group: GroupName) async throws { try await calls.run { try await base.removeGroup(group) } }
    func flush() async throws { try await calls.run { try await base.flush() } }

    func status(of channel: ChannelName) async throws -> ChannelStatus {
        try await calls.run { try await base.status(of: channel) }
    }

    func stats() async throws -> LayerStats { try await calls.run { try await base.stats() } }
    func checkReadiness() async throws { try await calls.run { try await base.checkReadiness() } }

    func shutdown() async {
        await withTaskExecutorPreference(calls.threads) { await base.shutdown() }
        calls.threads.close()
    }
}

extension OffLoopBackend: WaitingChannelBackend where Base: WaitingChannelBackend {
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        // Not counted: it suspends, and how many wait is the backend's to bound.
        try await withTaskExecutorPreference(calls.threads) {
            try await base.receiveManyBlocking(channels, options: options, until: deadline)
        }
    }
}

/// The calls on one layer's threads, bounded in number.
final class OffLoopCalls: Sendable {
    /// Calls that run or queue for a thread at most; more are refused.
    static let callsMax = 4096

    let threads: LayerThreads
    private let underWay = Atomic<Int>(0)

    init(layer: String) { threads = LayerThreads(name: "layer \(layer)") }

    deinit { threads.close() }

    /// How many run or queue.
    var count: Int { underWay.load(ordering: .relaxed) }

    /// Calls `operation` on a thread of the layer, and returns where it was called.
    ///
    /// - Throws: `backendUnavailable`, with nothing done, where too many calls are under way; what `operation` throws.
    func run<Value: Sendable>(_ operation: () async throws -> Value) async throws -> Value {
        defer { underWay.subtract(1, ordering: .relaxed) }
        guard underWay.add(1, ordering: .relaxed).newValue <= Self.callsMax else {
            throw ChannelError(
                .backendUnavailable,
                "This layer's backend does not keep up: too many calls wait for it. Nothing was done; try again later.",
                limit: Self.callsMax)
        }
        return try await withTaskExecutorPreference(threads) { try await operation() }
    }
}

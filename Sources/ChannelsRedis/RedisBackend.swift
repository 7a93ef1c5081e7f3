public import Channels
import Dispatch
import Reactor

/// The backend in Redis: several servers share a layer, and what one of them accepts any of them delivers.
///
/// What is answered has been done by Redis; what survives a crash of that is for Redis's own settings to say. Expiry runs on
/// Redis's clock: should that be set forward, messages expire early; should it be set back, nothing expires until it has
/// caught up. Each operation is one call of one function in Redis, so it is atomic, and is repeated only where it certainly
/// has not run.
///
/// Receivers that wait cost memory here and an entry in Redis for each channel; connections do not grow with them. First
/// come, first served holds per server. A message for who waits goes through Redis: it needs room in its queue, and one with
/// an expiry of zero reaches nobody.
///
/// Errors: what ``ChannelBackend`` says; `backendUnavailable` (503) while Redis cannot be reached or refuses to work, within
/// two seconds, `outcomeUnknown` (503) where it has not answered, `layerFull` (503) where it has no memory left.
/// ARCHITECTURE.md tells how it works.
public final class RedisBackend: WaitingChannelBackend {
    public let traits = BackendTraits(givesBack: true, neverBlocks: true)

    let core: RedisCore
    private let clock: any ChannelClock
    private let settings: LayerSettings

    init(core: RedisCore, settings: LayerSettings, clock: any ChannelClock) {
        self.core = core
        self.settings = settings
        self.clock = clock
    }

    /// Runs on the core's loop, and suspends until it answers.
    private func perform<Value: Sendable>(
        _ operation: @escaping @Sendable (RedisCore, @escaping @Sendable (Result<Value, ChannelError>) -> Void) -> Void
    ) async throws -> Value {
        let result: Result<Value, ChannelError> = await withCheckedContinuation { continuation in
            core.loop.execute { [core] in operation(core) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    // MARK: Receiving

    public func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let names = ChannelName.distinct(channels)
        return try await perform { core, completion in core.receive(names, options: options, completion: completion) }
    }

    public func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try Task.checkCancellation()
        guard deadline > clock.now else { return try await receiveMany(channels, options: options) }
        let names = ChannelName.distinct(channels)
        let waiter = Waiter(names, options: options, shards: core.shards(of: names))
        let timeLimit = clock.schedule(at: deadline) { [core] in core.loop.execute { core.waits.timeIsUp(waiter) } }
        defer { timeLimit.cancel() }
        let deliveries = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                core.loop.execute { [core] in
                    waiter.resume = { continuation.resume(with: $0) }
                    core.waits.begin(waiter)
                }
            }
        } onCancel: {
            core.loop.execute { [core] in core.waits.end(waiter) }
        }
        if deliveries.isEmpty { try Task.checkCancellation() }
        return deliveries
    }

    public func giveBack(_ deliveries: [Delivery]) async -> Int {
        let lost = try? await perform { core, completion in core.giveBack(deliveries, completion: completion) }
        return lost ?? deliveries.count
    }

    // MARK: Groups

    public func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        let expiry = options.expiry ?? settings.groupExpiry
        try await perform { core, completion in
            core.groupAdd(channel, to: group, expiry: expiry, completion: completion)
        }
    }

    public func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        let operation = ShardOperation(
            "group_discard", freesMemory: true, [.text(channel.rawValue), .text(group.rawValue)])
        try await perform { core, completion in core.run(operation, for: channel.queue, completion: completion) }
    }

    public func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await perform { core, completion in core.groupMembers(group, options: options, completion: completion) }
    }

    public func removeGroup(_ group: GroupName) async throws {
        let operation = ShardOperation("remove_group", freesMemory: true, [.text(group.rawValue)])
        try await perform { core, completion in core.runOnAll(operation, completion: completion) }
    }

    // MARK: The rest

    public func purge(_ channel: ChannelName) async throws {
        let operation = ShardOperation(
            "purge", freesMemory: true,
            [.text(channel.rawValue), .text(channel.queue.rawValue), .int(settings.capacity(of: channel.queue))])
        try await perform { core, completion in core.run(operation, for: channel.queue, completion: completion) }
    }

    public func flush() async throws {
        try await perform { core, completion in
            core.runOnAll(ShardOperation("flush", freesMemory: true), completion: completion)
        }
    }

    public func status(of channel: ChannelName) async throws -> ChannelStatus {
        try await perform { core, completion in core.status(of: channel, completion: completion) }
    }

    public func stats() async throws -> LayerStats {
        try await perform { core, completion in core.stats(completion: completion) }
    }

    /// Writes to each shard.
    public func checkReadiness() async throws {
        try await perform { core, completion in core.runOnAll(ShardOperation("probe"), completion: completion) }
    }

    public func shutdown() async {
        await withCheckedContinuation { continuation in
            core.loop.execute { [core] in
                core.close()
                continuation.resume()
            }
        }
        // Not from the loop itself, nor from one that may not block.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [core] in
                core.loop.stop()
                continuation.resume()
            }
        }
    }
}

extension RedisBackend: CallbackChannelBackend {
    public func send(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping @Sendable (Result<SendReceipt, any Error>) -> Void
    ) {
        core.loop.execute { [core] in
            core.send(message, to: channel, options: options) { completion($0.mapError { $0 }) }
        }
    }

    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions,
        completion: @escaping @Sendable (Result<GroupSendReceipt, any Error>) -> Void
    ) {
        core.loop.execute { [core] in
            core.sendGroup(message, to: group, options: options) { completion($0.mapError { $0 }) }
        }
    }
}

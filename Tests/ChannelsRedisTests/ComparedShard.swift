import Channels
import Dispatch
import Reactor

@testable import ChannelsRedis
@testable import ChannelsReference

/// A layer in Redis, for its comparison with the reference: the library itself, each operation once Redis has answered.
final class ComparedShard: ComparedLayer {
    final class NoWait {}

    /// A slice may not reach all who lapsed.
    let mayCountLapsed: Bool
    let keepsCountsOverFlush = false
    let canWait = false

    private let core: RedisCore
    private let time: TestTime

    init(core: RedisCore, time: TestTime, isShortOfSlice: Bool) {
        self.core = core
        self.time = time
        mayCountLapsed = isShortOfSlice
    }

    /// Calls on the core's loop, and waits for what comes of it.
    private func call<Value: Sendable>(
        _ body: @escaping @Sendable (RedisCore, @escaping @Sendable (Result<Value, ChannelError>) -> Void) -> Void
    ) throws(ChannelError) -> Value {
        let outcome = Outcome<Value>()
        core.loop.execute { [core] in
            body(core) { result in
                outcome.result = result
                outcome.isThere.signal()
            }
        }
        outcome.isThere.wait()
        return try outcome.result!.get()
    }

    // SAFETY: written before the semaphore is signalled, read after.
    private final class Outcome<Value>: @unchecked Sendable {
        let isThere = DispatchSemaphore(value: 0)
        var result: Result<Value, ChannelError>?
    }

    private func must<Value: Sendable>(
        _ body: @escaping @Sendable (RedisCore, @escaping @Sendable (Result<Value, ChannelError>) -> Void) -> Void
    ) -> Value {
        do {
            return try call(body)
        } catch {
            fatalError("\(error) \(error.underlying.map { "\($0)" } ?? "")")
        }
    }

    private func must(_ name: String, _ arguments: [String] = []) -> RedisReply {
        must { core, completion in
            core.shards[0].call(ShardOperation(name, arguments.map { .text($0) }), completion: completion)
        }
    }

    // MARK: Time

    func move(to now: Duration) { time.set(now) }

    func sweep() { _ = must("tick", ["0"]) }

    func sweepAll() { while must("tick", ["0"]).elements?[1].int == 1 {} }

    // MARK: Messages

    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> (number: UInt64, pending: Int) {
        let receipt = try call { core, completion in
            core.send(message, to: channel, options: options, completion: completion)
        }
        return (receipt.id.number, receipt.pending ?? -1)
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) -> (number: UInt64, members: Int) {
        let receipt = must { core, completion in
            core.sendGroup(message, to: group, options: options, completion: completion)
        }
        return (receipt.id?.number ?? 0, receipt.members ?? -1)
    }

    func receive(_ names: [ChannelName], options: ReceiveOptions) -> [Delivery] {
        must { core, completion in core.receive(names, options: options, completion: completion) }
    }

    func giveBack(_ deliveries: [Delivery]) {
        let lost = must { core, completion in core.giveBack(deliveries, completion: completion) }
        precondition(lost == 0)
    }

    func purge(_ channel: ChannelName) {
        let capacity = core.settings.capacity(of: channel.queue)
        _ = must("purge", [channel.rawValue, channel.queue.rawValue, "\(capacity)"])
    }

    func flush() { _ = must("flush") }

    func number(of delivery: Delivery) -> UInt64 { delivery.id.number }

    // MARK: Waits

    func receiveOrWait(_ names: [ChannelName], options: ReceiveOptions) -> (deliveries: [Delivery], wait: NoWait?) {
        preconditionFailure("nobody waits")
    }

    func end(_ wait: NoWait) {}
    func isOver(_ wait: NoWait) -> Bool { true }
    func takeServed() -> [NoWait] { [] }
    func deliveries(of wait: NoWait) -> [Delivery] { [] }

    // MARK: Groups

    func groupAdd(_ channel: ChannelName, to group: GroupName, expiry: Duration) {
        must { core, completion in core.groupAdd(channel, to: group, expiry: expiry, completion: completion) }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) {
        _ = must("group_discard", [channel.rawValue, group.rawValue])
    }

    func removeGroup(_ group: GroupName) { _ = must("remove_group", [group.rawValue]) }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) -> GroupMembersPage {
        must { core, completion in core.groupMembers(group, options: options, completion: completion) }
    }

    // MARK: Looking

    func status(of channel: ChannelName) -> ChannelStatus {
        must { core, completion in core.status(of: channel, completion: completion) }
    }

    func stats() -> LayerStats { must { core, completion in core.stats(completion: completion) } }

    /// All keys but for what is always there: one member of each, the layer's row and that of leases.
    func leftovers() -> [(what: String, count: Int)] {
        core.shards[0].keys.all.map { key in
            let isHash = key.hasSuffix("rows") || key.hasSuffix("messages")
            let count: RedisReply = must { core, completion in
                var command = RedisCommand(isHash ? "HLEN" : "ZCARD")
                command.append(key)
                core.shards[0].link.run(command, until: .now.advanced(by: .seconds(10))) {
                    completion($0.mapError { _ in .unreachable })
                }
            }
            return (key, Int(count.int ?? -1) - (key.hasSuffix("rows") ? 3 : 1))
        }
    }
}

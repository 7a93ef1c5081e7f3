public import Channels
import Reactor

extension RedisBackend: BatchingChannelBackend {
    /// Many sends to one shard are one call. Each is done or refused on its own.
    public func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        await withCheckedContinuation { continuation in
            core.loop.execute { [core] in
                RedisBatch(sends, in: core) { continuation.resume(returning: $0) }.next()
            }
        }
    }
}

/// A batch on its way: sends to channels up to the next group send go out together, then that one. Loop only.
private final class RedisBatch {
    private let sends: [BatchedSend]
    private let core: RedisCore
    private var results: [Result<BatchedReceipt, any Error>] = []
    private let completion: ([Result<BatchedReceipt, any Error>]) -> Void

    /// Of one call.
    private static let contentBytesMax = 1 << 20

    init(
        _ sends: [BatchedSend], in core: RedisCore,
        completion: @escaping ([Result<BatchedReceipt, any Error>]) -> Void
    ) {
        self.sends = sends
        self.core = core
        self.completion = completion
    }

    func next() {
        guard results.count < sends.count else { return completion(results) }
        if case .group(let group, let message, let options) = sends[results.count] {
            return core.sendGroup(message, to: group, options: options) { [self] result in
                results.append(result.map { .group($0) }.mapError { $0 })
                next()
            }
        }
        var parts: [Int: [Int]] = [:]
        for index in results.count..<sends.count {
            guard case .channel(let channel, _, _) = sends[index] else { break }
            parts[core.shard(of: channel.queue), default: []].append(index)
        }
        var answers: [Int: Result<BatchedReceipt, any Error>] = [:]
        core.gather(
            Array(parts),
            { part, done in
                send(part.value[...], in: part.key, into: { answers[$0] = $1 }) { done(.success(())) }
            }
        ) { [self] (_: Result<[Void], ChannelError>) in
            results += answers.keys.sorted().compactMap { answers[$0] }
            next()
        }
    }

    /// Sends those of one shard, as many in a call as go together.
    private func send(
        _ indices: ArraySlice<Int>, in shard: Int, into put: @escaping (Int, Result<BatchedReceipt, any Error>) -> Void,
        then done: @escaping () -> Void
    ) {
        guard !indices.isEmpty else { return done() }
        var contentBytes = 0
        var part: [ChannelSend] = []
        for index in indices.prefix(Shard.gatheredMax) {
            guard case .channel(let channel, let message, let options) = sends[index] else { break }
            contentBytes += message.content.count
            guard part.isEmpty || contentBytes <= Self.contentBytesMax else { break }
            part.append(
                core.makeSend(message, to: channel, options: options) {
                    put(index, $0.map { .channel($0) }.mapError { $0 })
                })
        }
        let left = indices.dropFirst(part.count)
        core.shards[shard].callGathered()
        core.shards[shard].send(
            part,
            then: { [self] failure in
                guard failure != nil else { return send(left, in: shard, into: put, then: done) }
                // Those that were not sent are not tried in turn.
                for index in left { put(index, .failure(ChannelError.unreachable)) }
                done()
            })
    }
}

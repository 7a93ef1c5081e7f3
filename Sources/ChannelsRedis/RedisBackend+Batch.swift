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

    /// Of one call: Redis does nothing else meanwhile.
    private static let sendsMax = 100
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
        var operation = ShardOperation("each")
        var contentBytes = 0
        var part: [(index: Int, queue: ChannelName)] = []
        for index in indices.prefix(Self.sendsMax) {
            guard case .channel(let channel, let message, let options) = sends[index] else { break }
            contentBytes += message.content.count
            guard part.isEmpty || contentBytes <= Self.contentBytesMax else { break }
            let send = core.operation(sending: message, to: channel, options: options)
            operation.arguments += [.text(send.name), .int(send.arguments.count)] + send.arguments
            part.append((index, channel.queue))
        }
        core.shards[shard].call(operation) { [self, part] result in
            switch result {
            case .failure(let error):
                for (index, _) in part { put(index, .failure(error)) }
                // Those that were not sent are not tried in turn.
                for index in indices.dropFirst(part.count) { put(index, .failure(ChannelError.unreachable)) }
                done()
            case .success(let reply):
                guard let answers = reply.elements else {
                    for index in indices { put(index, .failure(ChannelError.strange(reply))) }
                    return done()
                }
                for (answer, (index, queue)) in zip(answers, part) {
                    put(index, core.receipt(of: answer, sentTo: queue).map { .channel($0) }.mapError { $0 })
                }
                send(indices.dropFirst(answers.count), in: shard, into: put, then: done)
            }
        }
    }
}

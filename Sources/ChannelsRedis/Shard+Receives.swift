import Channels

/// A question of one receiver to a shard: takes what is there.
struct ReceiveCall {
    let names: [ChannelName]
    let capacities: [Int]
    let options: ReceiveOptions
    /// Groups of a name that are told; nil where this server is not to be rung.
    let groupsMax: Int?
    /// Told once, on the loop.
    let completion: (Result<RedisReply, ChannelError>) -> Void
}

extension Shard {
    /// Receives in one call, in their order. Each is answered on its own; those that more is in the way of, and those behind very
    /// large answers, are called again.
    ///
    /// - Parameters:
    ///   - since: when the first of them came.
    ///   - answered: called when the first answer has come, or never will.
    func receive(_ receives: [ReceiveCall], since: ContinuousClock.Instant, answered: @escaping () -> Void) {
        receive(
            receives, answeredUntil: since.advanced(by: callTimeMax),
            repeatedUntil: since.advanced(by: Self.freeingTimeMax), answered: answered)
    }

    private func receive(
        _ receives: [ReceiveCall], answeredUntil deadline: ContinuousClock.Instant?,
        repeatedUntil end: ContinuousClock.Instant, answered: (() -> Void)? = nil
    ) {
        var operation = ShardOperation("receive", freesMemory: true, [.text(server)])
        for receive in receives {
            operation.arguments += [
                .int(receive.names.count), .int(receive.groupsMax == nil ? 0 : 1), .int(receive.options.messagesMax),
                .int(receive.options.contentBytesMax), .int(receive.groupsMax ?? 0),
            ]
            for (name, capacity) in zip(receive.names, receive.capacities) {
                operation.arguments += [.text(name.rawValue), .text(name.queue.rawValue), .int(capacity)]
            }
        }
        call(operation, answeredUntil: deadline) { [self] result in
            answered?()
            guard case .success(let reply) = result, let answers = reply.elements, answers.count == receives.count
            else {
                for receive in receives { receive.completion(result.flatMap { .failure(.strange($0)) }) }
                return
            }
            var putOff: [ReceiveCall] = []
            for (receive, answer) in zip(receives, answers) {
                switch answer {
                case .integer: putOff.append(receive)
                case .error(let text): receive.completion(.failure(refusal(text)))
                default: receive.completion(.success(answer))
                }
            }
            if putOff.isEmpty { return }
            if .now < end { return self.receive(putOff, answeredUntil: nil, repeatedUntil: end) }
            for receive in putOff { receive.completion(.failure(.tooMuchInTheWay)) }
        }
    }
}

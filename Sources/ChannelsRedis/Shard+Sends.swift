import Channels

/// A send to a channel, on its way.
struct ChannelSend {
    let channel: ChannelName
    let message: Message
    let expiry: Duration
    /// Of the channel's queue.
    let capacity: Int
    /// Told once, on the loop.
    let completion: (Result<SendReceipt, ChannelError>) -> Void
}

// Sends to channels: several of them share a call.

extension Shard {
    /// Sends in one call, in their order. Each is done or refused on its own. What more is in the way of is called again, together,
    /// so that the sends to one queue keep their order.
    ///
    /// - Parameters:
    ///   - since: when the first of them came; by that it is judged whether the answer comes in time.
    ///   - answered: called when the first answer has come, or never will.
    ///   - done: called when all have been told; with why, where the call failed, and so they did.
    func send(
        _ sends: [ChannelSend], since: ContinuousClock.Instant = .now, answered: (() -> Void)? = nil,
        then done: @escaping (ChannelError?) -> Void = { _ in }
    ) {
        send(sends, repeatedUntil: since.advanced(by: callTimeMax), answered: answered, then: done)
    }

    private func send(
        _ sends: [ChannelSend], repeatedUntil end: ContinuousClock.Instant, answered: (() -> Void)? = nil,
        then done: @escaping (ChannelError?) -> Void
    ) {
        var operation = ShardOperation("send")
        operation.arguments.reserveCapacity(sends.count * 7)
        for send in sends {
            operation.arguments += [
                .text(send.channel.rawValue), .text(send.channel.queue.rawValue), .microseconds(send.expiry),
                .int(send.capacity), .int(Int64(StoredMessage.flags(of: send.message))),
                .text(send.message.contentType ?? ""), .bytes(send.message.content),
            ]
        }
        call(operation, answeredUntil: end) { [self] result in
            answered?()
            switch result {
            case .failure(let error):
                for send in sends { send.completion(.failure(error)) }
                done(error)
            case .success(let reply): answer(sends, with: reply, repeatedUntil: end, then: done)
            }
        }
    }

    /// - Parameter reply: the layer's epoch, and for each send the message's number and what waits in the queue then.
    private func answer(
        _ sends: [ChannelSend], with reply: RedisReply, repeatedUntil end: ContinuousClock.Instant,
        then done: @escaping (ChannelError?) -> Void
    ) {
        guard let answers = reply.elements, answers.count == 1 + 2 * sends.count,
            let epoch = answers[0].int.flatMap({ UInt64(exactly: $0) })
        else {
            for send in sends { send.completion(.failure(.strange(reply))) }
            return done(.strange(reply))
        }
        var putOff: [ChannelSend] = []
        for (index, send) in sends.enumerated() {
            let (number, pending) = (answers[1 + 2 * index], answers[2 + 2 * index])
            if number.int == -1 {
                putOff.append(send)
            } else {
                send.completion(receipt(of: send, epoch: epoch, number: number, pending: pending))
            }
        }
        if putOff.isEmpty { return done(nil) }
        if .now < end { return send(putOff, repeatedUntil: end, then: done) }
        for send in putOff { send.completion(.failure(.tooMuchInTheWay)) }
        done(.tooMuchInTheWay)
    }

    private func receipt(
        of send: ChannelSend, epoch: UInt64, number: RedisReply, pending: RedisReply
    ) -> Result<SendReceipt, ChannelError> {
        if case .error(let text) = number { return .failure(refusal(text)) }
        guard let value = number.int.flatMap({ UInt64(exactly: $0) }), let pending = pending.int else {
            return .failure(.strange(number))
        }
        guard value > 0 else {
            return .failure(.channelFull(send.channel.queue, capacity: send.capacity, pending: Int(pending)))
        }
        let id = MessageID(epoch: epoch, number: value)
        return .success(SendReceipt(id: id, pending: Int(pending), capacity: send.capacity))
    }
}

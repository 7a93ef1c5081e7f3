import Channels
import Reactor

// Sending, receiving and giving back.

extension RedisCore {
    /// In one call with others of this turn.
    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping (Result<SendReceipt, ChannelError>) -> Void
    ) {
        shards[shard(of: channel.queue)].gather(
            makeSend(message, to: channel, options: options, completion: completion))
    }

    func makeSend(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping (Result<SendReceipt, ChannelError>) -> Void
    ) -> ChannelSend {
        ChannelSend(
            channel: channel, message: message, expiry: options.expiry ?? settings.expiry,
            capacity: settings.capacity(of: channel.queue), completion: completion)
    }

    private static func id(_ answers: [RedisReply]) -> MessageID? {
        guard let epoch = answers[0].int.flatMap({ UInt64(exactly: $0) }),
            let number = answers[1].int.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        return MessageID(epoch: epoch, number: number)
    }

    /// One call a shard. The first gives the id that all copies bear.
    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions,
        completion: @escaping (Result<GroupSendReceipt, ChannelError>) -> Void
    ) {
        let expiry = options.expiry ?? settings.expiry
        let excluded = Dictionary(grouping: options.excluded) { shard(of: $0.queue) }
        func operation(_ shard: Int, id: MessageID?) -> ShardOperation {
            ShardOperation(
                "send_group",
                [
                    .text(group.rawValue), .microseconds(expiry), .int(Int64(StoredMessage.flags(of: message))),
                    .text(message.contentType ?? ""), .bytes(message.content), .int(Int64(id?.epoch ?? 0)),
                    .int(Int64(id?.number ?? 0)),
                ] + (excluded[shard] ?? []).map { .text($0.rawValue) })
        }
        let home = Int(MessageID.hash(of: group) % UInt64(shardCount))
        shards[home].call(operation(home, id: nil)) { [self] result in
            let first = result.flatMap { reply -> Result<GroupSendReceipt, ChannelError> in
                guard let answers = reply.elements, answers.count == 3, let id = Self.id(answers),
                    let members = answers[2].int
                else { return .failure(.strange(reply)) }
                return .success(GroupSendReceipt(id: id, members: Int(members)))
            }
            guard case .success(var receipt) = first, shardCount > 1 else { return completion(first) }
            gather(
                shards.indices.filter { $0 != home },
                { shard, answer in shards[shard].call(operation(shard, id: receipt.id), completion: answer) }
            ) { result in
                switch result {
                case .failure(let error): completion(.failure(.partlySent(error)))
                case .success(let replies):
                    receipt.members? += replies.reduce(0) { $0 + Int($1.elements?.last?.int ?? 0) }
                    completion(.success(receipt))
                }
            }
        }
    }

    // MARK: Receiving

    /// Takes what is there, shard by shard, beginning with another one each time.
    func receive(
        _ names: [ChannelName], options: ReceiveOptions,
        completion: @escaping (Result<[Delivery], ChannelError>) -> Void
    ) {
        var left = Self.rotated(Array(shards(of: names)))
        var taken: [Delivery] = []
        func next() {
            var rest = options
            rest.messagesMax -= taken.count
            rest.contentBytesMax -= taken.reduce(0) { $0 + $1.message.content.count }
            guard rest.messagesMax > 0, rest.contentBytesMax > 0 || taken.isEmpty, let (shard, names) = left.popLast()
            else {
                return completion(.success(taken))
            }
            take(names, in: shard, options: rest, waitsFor: nil) { result in
                switch result {
                case .success(let outcome):
                    taken += outcome.deliveries
                    next()
                case .failure(let error):
                    completion(taken.isEmpty ? .failure(error) : .success(taken))
                }
            }
        }
        next()
    }

    static func rotated<Element>(_ elements: [Element]) -> [Element] {
        guard elements.count > 1 else { return elements }
        let start = Int.random(in: elements.indices)
        return Array(elements[start...] + elements[..<start])
    }

    enum Taken {
        case deliveries([Delivery])
        /// Nothing was there. The groups of each name.
        case nothing([[[UInt8]]])
        /// This server has no lease in that shard.
        case unknown

        var deliveries: [Delivery] {
            if case .deliveries(let deliveries) = self { return deliveries }
            return []
        }
    }

    /// Takes from one shard, in one call with others of this turn.
    ///
    /// - Parameter waitsFor: how many groups of each name are told, where this server is to be rung from now on.
    func take(
        _ names: [ChannelName], in shard: Int, options: ReceiveOptions, waitsFor groupsMax: Int?,
        completion: @escaping (Result<Taken, ChannelError>) -> Void
    ) {
        let receive = ReceiveCall(
            names: names, capacities: names.map { settings.capacity(of: $0.queue) }, options: options,
            groupsMax: groupsMax
        ) { [self] result in
            let outcome = result.flatMap { reply in
                Self.taken(reply, from: shard).map { .success($0) } ?? .failure(.strange(reply))
            }
            if case .success(let taken) = outcome { arrived(taken.deliveries.count, from: shard) }
            completion(outcome)
        }
        shards[shard].gather(receive)
    }

    private static func taken(_ reply: RedisReply, from shard: Int) -> Taken? {
        guard let elements = reply.elements, let kind = elements.first?.text else { return nil }
        switch kind {
        case "unknown": return .unknown
        case "none": return .nothing(elements.dropFirst().map { ($0.elements ?? []).compactMap(\.content) })
        default: break
        }
        guard elements.count >= 3, elements.count % 4 == 3, let epoch = elements[1].int, epoch >= 0,
            let lane = elements[2].int, lane >= 0
        else {
            return nil
        }
        var deliveries: [Delivery] = []
        for index in stride(from: 3, to: elements.count, by: 4) {
            guard let channel = elements[index].text.flatMap({ try? ChannelName($0) }),
                let number = elements[index + 1].int, number >= 0, let stamp = elements[index + 2].int,
                var stored = elements[index + 3].content.flatMap({ StoredMessage($0) })
            else { return nil }
            let message = stored.message
            stored.message.content = []
            let isOwn = stored.idEpoch == 0
            deliveries.append(
                Delivery(
                    id: MessageID(
                        epoch: isOwn ? UInt64(epoch) : stored.idEpoch, number: isOwn ? UInt64(number) : stored.idNumber),
                    channel: channel, group: stored.group, message: message,
                    receipt: Delivery.Receipt(
                        token: UInt64(lane),
                        reference: TakenFromRedis(
                            shard: shard, epoch: epoch, number: number, stamp: stamp, head: stored))
                ))
        }
        return .deliveries(deliveries)
    }

    /// Returns how many are lost.
    func giveBack(_ deliveries: [Delivery], completion: @escaping (Result<Int, ChannelError>) -> Void) {
        var parts: [(shard: Int, deliveries: ArraySlice<Delivery>)] = []
        for (shard, all) in Dictionary(grouping: deliveries, by: { Self.reference(of: $0).shard }) {
            for start in stride(from: 0, to: all.count, by: Self.givenBackMax) {
                parts.append((shard, all[start..<min(start + Self.givenBackMax, all.count)]))
            }
        }
        gather(
            parts,
            { part, answer in
                var operation = ShardOperation("give_back", freesMemory: true, [.text(server)])
                for delivery in part.deliveries {
                    let taken = Self.reference(of: delivery)
                    var stored = taken.head
                    stored.message.content = delivery.message.content
                    operation.arguments += [
                        .text(delivery.channel.rawValue), .text(delivery.channel.queue.rawValue), .int(taken.number),
                        .int(taken.stamp), .int(taken.epoch), .int(Int64(delivery.receipt.token)), .bytes(stored.bytes),
                    ]
                }
                giveBack(operation, to: part.shard, triesLeft: Self.givingBackTriesMax) { [self] result in
                    let count = part.deliveries.count
                    switch result {
                    case .success(let lost):
                        arrived(lost - count, from: part.shard)
                        keptCount += lost
                        answer(.success(lost))
                    case .failure(let error):
                        if error.code == .outcomeUnknown {
                            arrived(-count, from: part.shard)
                        } else {
                            keptCount += count
                        }
                        answer(.success(count))
                    }
                }
            }
        ) {
            completion($0.map { $0.reduce(0, +) })
        }
    }

    /// Tries again while Redis certainly has not heard of it. Tells how many are lost.
    private func giveBack(
        _ operation: ShardOperation, to shard: Int, triesLeft: Int,
        completion: @escaping (Result<Int, ChannelError>) -> Void
    ) {
        shards[shard].call(operation) { [self] result in
            switch result {
            case .success(let reply): completion(reply.int.map { .success(Int($0)) } ?? .failure(.strange(reply)))
            case .failure(let error) where error.code == .backendUnavailable && triesLeft > 0 && !isClosed:
                // SAFETY: called on the loop, as all of this is.
                nonisolated(unsafe) let completion = completion
                _ = loop.schedule(at: loop.now.advanced(by: .milliseconds(250))) { [self] in
                    giveBack(operation, to: shard, triesLeft: triesLeft - 1, completion: completion)
                }
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    /// Deliveries of one call.
    private static let givenBackMax = 500
    private static let givingBackTriesMax = 20

    private static func reference(of delivery: Delivery) -> TakenFromRedis {
        guard let taken = delivery.receipt.reference as? TakenFromRedis else {
            preconditionFailure("a delivery goes back to the backend that it came from")
        }
        return taken
    }
}

extension MessageID {
    fileprivate static func hash(of group: GroupName) -> UInt64 {
        var hash = StableHash()
        hash.combine(group.rawValue.utf8)
        return hash.value
    }
}

extension ChannelError {
    /// Of a group send that some shards have and others may not.
    fileprivate static func partlySent(_ error: ChannelError) -> ChannelError {
        ChannelError(
            .outcomeUnknown,
            "Some members of the group have the message, others may have not: a part of the layer's Redis "
                + "did not answer.", underlying: error.underlying)
    }
}

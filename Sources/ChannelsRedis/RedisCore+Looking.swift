import Channels

// Groups, and what is there.

extension RedisCore {
    func groupAdd(
        _ channel: ChannelName, to group: GroupName, expiry: Duration,
        completion: @escaping (Result<Void, ChannelError>) -> Void
    ) {
        let most = settings.groupsPerChannelMax
        let operation = ShardOperation(
            "group_add",
            [
                .text(channel.rawValue), .text(channel.queue.rawValue), .text(group.rawValue), .microseconds(expiry),
                .int(most),
            ])
        shards[shard(of: channel.queue)].call(operation) { result in
            completion(
                result.flatMap { reply in
                    guard let answers = reply.elements, answers.first?.text == "groups" else { return .success(()) }
                    return .failure(
                        ChannelError(
                            .tooManyGroups,
                            "The channel '\(channel)' is in as many groups as it may be. Leave one of them first.",
                            limit: most, actual: answers.last?.int.map { Int($0) }))
                })
        }
    }

    /// A page of each shard, merged.
    func groupMembers(
        _ group: GroupName, options: GroupMembersOptions,
        completion: @escaping (Result<GroupMembersPage, ChannelError>) -> Void
    ) {
        let operation = ShardOperation(
            "group_members",
            [.text(group.rawValue), .text(options.after?.rawValue ?? ""), .int(options.limit + 1)])
        callAll(operation) { result in
            completion(
                result.map { replies in
                    let names = replies.flatMap { $0.elements ?? [] }.compactMap(\.text)
                        .compactMap { try? ChannelName($0) }.sorted()
                    return GroupMembersPage(
                        channels: Array(names.prefix(options.limit)), hasMore: names.count > options.limit)
                })
        }
    }

    func status(of channel: ChannelName, completion: @escaping (Result<ChannelStatus, ChannelError>) -> Void) {
        let queue = channel.queue
        let capacity = settings.capacity(of: queue)
        let operation = ShardOperation(
            "status", freesMemory: true,
            [.text(channel.rawValue), .text(queue.rawValue), .int(capacity), .text(server)])
        shards[shard(of: queue)].call(operation) { [self] result in
            completion(
                result.flatMap { reply in
                    guard let answers = reply.elements, answers.count == 5, let pending = answers[0].int,
                        let age = answers[1].int, let servers = answers[2].int,
                        let counts = answers[3].elements?.compactMap(\.int), let groups = answers[4].elements
                    else { return .failure(.strange(reply)) }
                    let here = waits.count(for: channel)
                    return .success(
                        ChannelStatus(
                            pending: Int(pending), capacity: capacity,
                            oldestAge: age < 0 ? nil : .microseconds(age),
                            // Of other servers it is not known how many.
                            waiting: servers == 0 ? here : nil,
                            groups: groups.compactMap(\.text).compactMap { try? GroupName($0) }.sorted(),
                            counts: counts.count == 6 ? MessageCounts(counts) : nil))
                })
        }
    }

    func stats(completion: @escaping (Result<LayerStats, ChannelError>) -> Void) {
        let operation = ShardOperation("stats", freesMemory: true, [.text(server)])
        gather(
            Array(shards.indices),
            { shard, answer in
                shards[shard].call(operation) { [self] result in
                    if case .success(let reply) = result, let count = reply.elements?.last {
                        compareHanded(count, in: shard)
                    }
                    answer(result)
                }
            }
        ) { [self] result in
            completion(
                result.flatMap { replies in
                    var sums = Array(repeating: Int64(0), count: 12)
                    for reply in replies {
                        let numbers = reply.elements?.compactMap(\.int) ?? []
                        guard numbers.count == sums.count else { return .failure(.strange(reply)) }
                        for index in sums.indices { sums[index] += numbers[index] }
                    }
                    return .success(
                        LayerStats(
                            counts: MessageCounts(Array(sums[1...6])), pending: Int(sums[0]),
                            // Each shard has its part of a group, and of a send to it.
                            groupSends: Int(sums[7]) / shardCount, groupCopies: Int(sums[8]), lost: lostCount,
                            channels: Int(sums[9]), groups: shardCount == 1 ? Int(sums[10]) : nil,
                            waiting: waits.count))
                })
        }
    }
}

extension MessageCounts {
    /// In the order of its properties.
    fileprivate init(_ counts: [Int64]) {
        self.init(
            sent: Int(counts[0]), delivered: Int(counts[1]), expired: Int(counts[2]), purged: Int(counts[3]),
            rejected: Int(counts[4]), dropped: Int(counts[5]))
    }
}

import Channels
import Reactor

/// The receivers that wait at this server, and the bells that wake them. Loop only.
///
/// How it works. A receiver asks each shard of its channels; what is there it gets at once, and where nothing is, Redis notes
/// that this server is to be rung for these channels: then it waits. A bell has the first receiver of its channel ask again, that has nothing to ask there already.
/// What it takes, and only that, ends its wait. A bell that comes to nobody is passed on to another server.
///
/// A bell is a wake-up and may be lost: after a new connection, and where Redis does not know this server any more,
/// everybody asks again.
// SAFETY: everything is touched on the loop only.
final class Waits: @unchecked Sendable {
    private unowned let core: RedisCore
    /// By channel, in order of arrival.
    private var lines: [ChannelName: [Waiter]] = [:]
    private var all: [ObjectIdentifier: Waiter] = [:]
    private var linkCount = 0
    private var lastArrival: UInt64 = 0
    /// Channels in wait, by the groups in which they may be. Redis has the last word.
    private var namesByGroup: [GroupKey: Set<ChannelName>] = [:]
    private var groupsByName: [ChannelName: Set<GroupKey>] = [:]
    /// Those in more groups than are told: each group send may concern them.
    private var namesInMany: [Int: Set<ChannelName>] = [:]
    /// Channels that Redis may ring for although nobody waits for them any more, or may soon not.
    private var idle: [Int: Set<ChannelName>] = [:]
    /// Receivers whose shard could not answer, to ask again in a moment.
    private var stalled: [(waiter: Waiter, shard: Int)] = []

    private struct GroupKey: Hashable {
        let shard: Int
        let id: [UInt8]
    }

    /// Names on which receivers wait, each for each receiver.
    private static let linksMax = 1_000_000
    /// Groups of a channel in wait that are known here.
    private static let groupsMax = 1000
    private static let retryTime = Duration.milliseconds(250)
    /// Names in the questions that a shard has not answered. More of them at once would be answered too late, and each question
    /// to Redis may take a message.
    private static let namesAskedMax = 1000
    /// Groups whose bells are kept for answers that are under way.
    private static let heardMax = 10_000

    /// By shard: names in questions that have no answer yet.
    private var namesAsked: [Int: Int] = [:]
    /// By shard: who has a question, and waits for its turn, in that order.
    private var queued: [Int: [Waiter]] = [:]
    /// By shard: groups that were sent to while questions were under way, whose answers may tell of them.
    private var heard: [Int: Set<[UInt8]>] = [:]

    init(core: RedisCore) { self.core = core }

    var count: Int { all.count }

    /// How many a send to that channel could reach here.
    func count(for name: ChannelName) -> Int {
        if name.isMailbox {
            return Set(lines.filter { $0.key.queue == name }.values.flatMap { $0 }.map { ObjectIdentifier($0) }).count
        }
        return candidates(for: name).count
    }

    // MARK: Begin and end

    func begin(_ waiter: Waiter) {
        guard waiter.state == .fresh, !core.isClosed else {
            waiter.state = .over
            return resume(waiter, with: .success([]))
        }
        guard linkCount + waiter.names.count <= Self.linksMax else { return lookOnly(waiter) }
        lastArrival += 1
        waiter.arrival = lastArrival
        waiter.state = .waiting
        all[ObjectIdentifier(waiter)] = waiter
        linkCount += waiter.names.count
        for name in waiter.names { lines[name, default: []].append(waiter) }
        for shard in RedisCore.rotated(Array(waiter.shards.keys)) { waiter.ask(shard) }
        step(waiter)
    }

    /// There is no room for its wait.
    private func lookOnly(_ waiter: Waiter) {
        waiter.state = .over
        let error = ChannelError(
            .layerFull, "As many receivers wait on this server as may. Receive without waiting, or try again later.",
            limit: Self.linksMax, actual: linkCount)
        core.receive(waiter.names, options: waiter.options) { [self] result in
            resume(waiter, with: result.flatMap { $0.isEmpty ? .failure(error) : .success($0) }.mapError { $0 })
        }
    }

    /// It waits no longer; but it has looked before it ends.
    func timeIsUp(_ waiter: Waiter) {
        guard !waiter.hasLooked, waiter.state == .fresh || waiter.state == .waiting else { return end(waiter) }
        waiter.isLate = true
        guard waiter.state == .waiting else { return }  // `begin` is to come
        waiter.askUnseen()
        step(waiter)
    }

    /// Its time is up, or its client has gone. What is under way may still bring it something.
    func end(_ waiter: Waiter) {
        switch waiter.state {
        case .fresh: waiter.state = .over  // `begin` is to come
        case .waiting where waiter.isAsking: waiter.state = .ending
        case .waiting: finish(waiter, with: .success([]))
        case .ending, .over: break
        }
    }

    func endAll() {
        for waiter in all.values.sorted(by: { $0.arrival < $1.arrival }) { end(waiter) }
    }

    private func finish(_ waiter: Waiter, with result: Result<[Delivery], any Error>) {
        waiter.state = .over
        all[ObjectIdentifier(waiter)] = nil
        linkCount -= waiter.names.count
        for name in waiter.names {
            guard let place = place(of: waiter, on: name) else { continue }
            lines[name]?.remove(at: place)
            guard lines[name]?.isEmpty == true else { continue }
            lines[name] = nil
            let shard = core.shard(of: name.queue)
            // One that found something at once has nobody rung for it.
            if waiter.ringing.contains(shard) { idle[shard, default: []].insert(name) }
            forgetGroups(of: name)
        }
        resume(waiter, with: result)
        for bell in waiter.bells { ring(bell) }
        waiter.bells = []
    }

    private func resume(_ waiter: Waiter, with result: Result<[Delivery], any Error>) {
        waiter.resume.take()?(result)
    }

    /// Where it stands in a line. O(log n).
    private func place(of waiter: Waiter, on name: ChannelName) -> Int? {
        guard let line = lines[name] else { return nil }
        var range = line.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if line[middle].arrival < waiter.arrival {
                range = (middle + 1)..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        let place = range.lowerBound
        return place < line.count && line[place] === waiter ? place : nil
    }

    // MARK: Asking

    private func step(_ waiter: Waiter) {
        guard waiter.state == .waiting, !waiter.isAsking, !waiter.isQueued, let shard = waiter.nextToAsk(),
            let names = waiter.shards[shard]
        else { return }
        guard namesAsked[shard] ?? 0 == 0 || namesAsked[shard]! + names.count <= Self.namesAskedMax else {
            waiter.ask(shard)
            waiter.isQueued = true
            return queued[shard, default: []].append(waiter)
        }
        waiter.asked = shard
        namesAsked[shard, default: 0] += names.count
        // What has rung until now is answered by this; what rings from now on is not.
        let bells = waiter.bells.filter { core.shard(of: $0.queue) == shard }
        waiter.bells.removeAll { core.shard(of: $0.queue) == shard }
        // Who waits no longer is not to be rung for.
        let groupsMax = waiter.isLate ? nil : Self.groupsMax
        core.take(names, in: shard, options: waiter.options, waitsFor: groupsMax) { [self] result in
            waiter.asked = nil
            namesAsked[shard, default: 0] -= names.count
            answered(waiter, shard, bells, result)
            if namesAsked[shard] == 0 { heard[shard] = nil }
            askQueued(shard)
        }
    }

    private func askQueued(_ shard: Int) {
        guard let waiters = queued[shard], !waiters.isEmpty else { return }
        var next = 0
        while next < waiters.count, namesAsked[shard] ?? 0 < Self.namesAskedMax {
            waiters[next].isQueued = false
            // It may queue again, at the end.
            step(waiters[next])
            next += 1
        }
        queued[shard]?.removeFirst(next)
    }

    private func answered(
        _ waiter: Waiter, _ shard: Int, _ bells: [ChannelName], _ result: Result<RedisCore.Taken, ChannelError>
    ) {
        switch result {
        case .success(.deliveries(let deliveries)):
            finish(waiter, with: .success(deliveries))
            // There may be more where that was: for the next in line, or at another server.
            for channel in Set(deliveries.map(\.channel) + bells) { ring(channel) }
            return
        case .success(.nothing(let groups)):
            waiter.saw(shard)
            waiter.mayBeRung(by: shard)
            for (name, ids) in zip(waiter.shards[shard] ?? [], groups) {
                note(name, in: ids, of: shard)
                // It was sent to after the question was answered, and before the answer was heard.
                if let heard = heard[shard], heard.count >= Self.heardMax || ids.contains(where: heard.contains) {
                    waiter.bells.append(name)
                    waiter.ask(shard)
                }
            }
        case .success(.unknown):
            // The lease has ended, or Redis has begun anew: the tick has all of us ask again.
            waiter.bells += bells
            stall(waiter, shard)
            core.tick(shard)
        case .failure(let error):
            waiter.bells += bells
            waiter.mayBeRung(by: shard)
            guard waiter.hasLooked else {
                finish(waiter, with: .failure(error))
                return refuseQueued(shard, error)
            }
            stall(waiter, shard)
        }
        if waiter.state == .ending || waiter.isLate && waiter.hasLooked { return finish(waiter, with: .success([])) }
        step(waiter)
    }

    /// Has it ask again in a moment.
    private func stall(_ waiter: Waiter, _ shard: Int) {
        guard waiter.state == .waiting else { return }
        // It does not wait for a lease.
        if waiter.isLate { return waiter.ask(shard) }
        stalled.append((waiter, shard))
        planRetry()
    }

    /// Who has not looked yet is not to find out in turn, a time limit after the other, that the shard does not answer.
    private func refuseQueued(_ shard: Int, _ error: ChannelError) {
        let refused = (queued[shard] ?? []).filter { !$0.hasLooked && $0.state == .waiting }
        queued[shard]?.removeAll { !$0.hasLooked }
        // Of these nothing has been asked.
        let own = error.code == .outcomeUnknown ? .unreachable : error
        for waiter in refused { finish(waiter, with: .failure(own)) }
    }

    private var isRetryPlanned = false

    private func planRetry() {
        guard !isRetryPlanned else { return }
        isRetryPlanned = true
        _ = core.loop.schedule(at: core.loop.now.advanced(by: Self.retryTime)) { [weak self] in
            guard let self else { return }
            isRetryPlanned = false
            let stalled = stalled
            self.stalled = []
            for (waiter, shard) in stalled where waiter.state == .waiting {
                waiter.ask(shard)
                step(waiter)
            }
        }
    }

    /// Everybody with channels in that shard asks again.
    func lookAgain(in shard: Int) {
        let waiters = all.values.filter { $0.shards[shard] != nil }.sorted { $0.arrival < $1.arrival }
        for waiter in waiters {
            waiter.ask(shard)
            step(waiter)
        }
    }

    // MARK: Bells

    /// What stands in a bell: `Scripts/bells.lua`.
    func rung(_ bell: [UInt8], in shard: Int) {
        let rest = bell.dropFirst()
        switch bell.first {
        case UInt8(ascii: "m"):
            if let channel = name(rest) { ring(channel) }
        case UInt8(ascii: "g"):
            let key = GroupKey(shard: shard, id: Array(rest))
            if namesAsked[shard] ?? 0 > 0, heard[shard]?.count ?? 0 < Self.heardMax {
                heard[shard, default: []].insert(key.id)
            }
            for name in (namesByGroup[key] ?? []).union(namesInMany[shard] ?? []) { ringGroup(name) }
        case UInt8(ascii: "j") where rest.count > 8:
            guard let channel = name(rest.dropFirst(8)) else { return }
            for name in Set([channel, channel.queue]) where lines[name] != nil {
                note(name, in: [Array(rest.prefix(8))], of: shard)
            }
        case UInt8(ascii: "f"):
            lookAgain(in: shard)
        default: break
        }
    }

    private func name(_ bytes: ArraySlice<UInt8>) -> ChannelName? {
        try? ChannelName(String(decoding: bytes, as: UTF8.self))
    }

    /// Who could take a message in that channel, in order of arrival.
    private func candidates(for channel: ChannelName) -> [Waiter] {
        guard channel.isInMailbox, let others = lines[channel.queue] else { return lines[channel] ?? [] }
        return ((lines[channel] ?? []) + others).sorted { $0.arrival < $1.arrival }
    }

    /// Has the first receiver ask that is not about to, or the last one answer for it. Passes the bell on where there is none.
    private func ring(_ channel: ChannelName) {
        let shard = core.shard(of: channel.queue)
        let waiters = candidates(for: channel)
        guard let waiter = waiters.first(where: { !$0.isToAsk(shard) && $0.state == .waiting }) ?? waiters.last else {
            return pass(channel, in: shard)
        }
        waiter.bells.append(channel)
        waiter.ask(shard)
        step(waiter)
    }

    /// A group send: who takes something has the next one ask (`answered`).
    private func ringGroup(_ name: ChannelName) {
        let shard = core.shard(of: name.queue)
        guard
            let waiter = lines[name]?.first(where: { !$0.isToAsk(shard) && $0.state == .waiting }) ?? lines[name]?.last
        else { return }
        waiter.bells.append(name)
        waiter.ask(shard)
        step(waiter)
    }

    private func pass(_ channel: ChannelName, in shard: Int) {
        guard !core.isClosed else { return }
        let names = channel.isInMailbox ? [channel, channel.queue] : [channel]
        for name in names { idle[shard]?.remove(name) }
        let operation = ShardOperation(
            "pass", freesMemory: true, [.text(core.server)] + names.map { .text($0.rawValue) })
        core.shards[shard].call(operation) { [weak self] result in
            guard let self, case .failure = result else { return }
            keepIdle(names, in: shard)
            _ = core.loop.schedule(at: core.loop.now.advanced(by: Self.retryTime)) { [weak self] in
                self?.ring(channel)
            }
        }
    }

    /// Channels of that shard that Redis need not ring for here any more.
    func takeIdle(in shard: Int) -> [ChannelName] {
        let names = (idle[shard] ?? []).filter { lines[$0] == nil }
        idle[shard]?.subtract(names)
        return Array(names)
    }

    /// Redis has not heard of it.
    func keepIdle(_ names: [ChannelName], in shard: Int) {
        idle[shard, default: []].formUnion(names)
    }

    // MARK: Groups

    private func note(_ name: ChannelName, in ids: [[UInt8]], of shard: Int) {
        guard lines[name] != nil else { return }
        if ids.count > Self.groupsMax || groupsByName[name]?.count ?? 0 > Self.groupsMax {
            namesInMany[shard, default: []].insert(name)
            return
        }
        for id in ids.prefix(Self.groupsMax) {
            let key = GroupKey(shard: shard, id: id)
            namesByGroup[key, default: []].insert(name)
            groupsByName[name, default: []].insert(key)
        }
    }

    private func forgetGroups(of name: ChannelName) {
        namesInMany[core.shard(of: name.queue)]?.remove(name)
        for key in groupsByName.removeValue(forKey: name) ?? [] {
            namesByGroup[key]?.remove(name)
            if namesByGroup[key]?.isEmpty == true { namesByGroup[key] = nil }
        }
    }
}

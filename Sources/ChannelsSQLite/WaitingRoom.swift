import Channels

/// Receivers in wait, in order of arrival. Only the writer's thread touches it.
///
/// What a transaction does here counts when it commits; a rollback undoes it.
final class WaitingRoom {
    private var byName: [String: [Waiter]] = [:]
    /// By queue: receivers that wait on it or on a channel in it, each once.
    private var countByQueue: [String: Int] = [:]
    /// Names in wait, by the groups in which they may be. The database has the last word.
    private var namesByGroup: [Int64: Set<String>] = [:]
    private var groupsByName: [String: Set<Int64>] = [:]
    private var lastArrival: UInt64 = 0
    private(set) var count = 0
    /// Names on which receivers wait, each for each receiver.
    private(set) var linkCount = 0
    /// How many there may be.
    static let linksMax = 4_000_000

    private var parkedSinceBegin: [Waiter] = []
    private var endedSinceBegin: [Waiter] = []

    // MARK: Transactions

    func begin() {
        parkedSinceBegin = []
        endedSinceBegin = []
    }

    func rollback() {
        for waiter in endedSinceBegin {
            waiter.giveUpDeliveries()
            link(waiter)
        }
        for waiter in parkedSinceBegin {
            unlink(waiter)
            forgetGroups(of: waiter)
        }
        begin()
    }

    /// Those whose wait has ended in the transaction that was committed.
    func takeEnded() -> [Waiter] {
        defer { begin() }
        // Not before: after a rollback they would be missed.
        for waiter in endedSinceBegin { forgetGroups(of: waiter) }
        return endedSinceBegin
    }

    // MARK: Waits

    func park(_ waiter: Waiter) {
        lastArrival += 1
        waiter.arrival = lastArrival
        link(waiter)
        parkedSinceBegin.append(waiter)
    }

    /// The wait is over, with what the waiter has got.
    func end(_ waiter: Waiter) {
        unlink(waiter)
        endedSinceBegin.append(waiter)
    }

    /// Outside of a transaction: takes it out, if it is still there.
    func remove(_ waiter: Waiter) -> Bool {
        guard waiter.isParked else { return false }
        unlink(waiter)
        forgetGroups(of: waiter)
        return true
    }

    /// Each at least once.
    var all: [Waiter] { byName.values.flatMap { $0 } }

    private func link(_ waiter: Waiter) {
        waiter.isParked = true
        count += 1
        linkCount += waiter.names.count
        for name in waiter.names {
            let index = index(of: waiter.arrival, on: name.rawValue)
            byName[name.rawValue, default: []].insert(waiter, at: index)
        }
        for queue in waiter.queues { countByQueue[queue, default: 0] += 1 }
    }

    private func unlink(_ waiter: Waiter) {
        guard waiter.isParked else { return }
        waiter.isParked = false
        count -= 1
        linkCount -= waiter.names.count
        for name in waiter.names.map(\.rawValue) {
            let index = index(of: waiter.arrival, on: name)
            byName[name]?.remove(at: index)
            if byName[name]?.isEmpty == true { byName[name] = nil }
        }
        for queue in waiter.queues {
            countByQueue[queue]! -= 1
            if countByQueue[queue] == 0 { countByQueue[queue] = nil }
        }
    }

    /// Where the receiver of that arrival stands, or would. O(log n).
    private func index(of arrival: UInt64, on name: String) -> Int {
        guard let list = byName[name], let last = list.last else { return 0 }
        // Who comes is the last; who is served is the first.
        if last.arrival < arrival { return list.count }
        var range = list.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if list[middle].arrival < arrival {
                range = (middle + 1)..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return range.lowerBound
    }

    // MARK: Who waits for a channel

    /// The first to come, on the channel or on its mailbox.
    func first(for channel: ChannelName) -> Waiter? {
        guard count > 0 else { return nil }
        let own = byName[channel.rawValue]?.first
        guard channel.isInMailbox, let other = byName[channel.queue.rawValue]?.first else { return own }
        guard let own else { return other }
        return own.arrival < other.arrival ? own : other
    }

    func waiters(on name: String) -> [Waiter] { byName[name] ?? [] }

    func isWaited(on name: ChannelName) -> Bool { count > 0 && byName[name.rawValue] != nil }

    /// How many a send to that channel could reach; of a mailbox, to any channel in it.
    func count(for name: ChannelName) -> Int {
        if name.isInMailbox {
            return Set(
                (waiters(on: name.rawValue) + waiters(on: name.queue.rawValue)).map { ObjectIdentifier($0) }
            ).count
        }
        return countByQueue[name.rawValue] ?? 0
    }

    func isWaited(inQueue name: String) -> Bool { countByQueue[name] != nil }

    // MARK: Groups

    /// Notes that somebody waits on `name`, which is (or whose channels are) in `group`.
    func note(_ name: ChannelName, in group: Int64) {
        namesByGroup[group, default: []].insert(name.rawValue)
        groupsByName[name.rawValue, default: []].insert(group)
    }

    func namesWaiting(in group: Int64) -> Set<String> { count > 0 ? namesByGroup[group] ?? [] : [] }

    /// Of those names of an unlinked waiter on which nobody else waits.
    private func forgetGroups(of waiter: Waiter) {
        for name in waiter.names.map(\.rawValue) where byName[name] == nil {
            for group in groupsByName.removeValue(forKey: name) ?? [] {
                namesByGroup[group]?.remove(name)
                if namesByGroup[group]?.isEmpty == true { namesByGroup[group] = nil }
            }
        }
    }
}

import Channels

/// What was purged in this process and where the file does not tell, so that a later giveBack does not bring it back.
///
/// A queue's own purge is told by its row. This is for flushes, and for channels in mailboxes. The stamps are lanes, as
/// they grow with each purge: a delivery bears the lane that was the last when it was taken.
final class Purges {
    private var byName: [String: Int64] = [:]
    /// The names in the order of their stamps.
    private var order: [(name: String, lane: Int64)] = []
    private var orderStart = 0
    private var all: Int64 = 0
    private var beforeTransaction: (additions: [(name: String, lane: Int64)], all: Int64) = ([], 0)

    /// Past this many the oldest is forgotten: what is given back after that stays.
    private static let countMax = 10_000

    func begin() { beforeTransaction = ([], all) }

    func rollback() { (beforeTransaction, all) = (([], beforeTransaction.all), beforeTransaction.all) }

    func commit() {
        for purge in beforeTransaction.additions {
            byName[purge.name] = purge.lane
            order.append(purge)
        }
        beforeTransaction = ([], all)
        while order.count - orderStart > Self.countMax {
            let oldest = order[orderStart]
            if byName[oldest.name] == oldest.lane { byName[oldest.name] = nil }
            orderStart += 1
        }
        if orderStart > Self.countMax {
            order.removeFirst(orderStart)
            orderStart = 0
        }
    }

    /// Notes that a channel in a mailbox was purged.
    func add(_ channel: ChannelName, lane: Int64) { beforeTransaction.additions.append((channel.rawValue, lane)) }

    /// Notes that everything was.
    func addAll(lane: Int64) { all = lane }

    /// Whether the channel was purged, or everything, since `lane` was the last.
    func concern(_ channel: ChannelName, since lane: Int64) -> Bool {
        all > lane || byName[channel.rawValue] ?? 0 > lane
            || beforeTransaction.additions.contains { $0.name == channel.rawValue && $0.lane > lane }
    }
}

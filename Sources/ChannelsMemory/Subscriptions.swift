/// A queue's subscriptions: a few in most queues, very many in a mailbox whose channels are in groups of their own.
///
/// All operations O(1), over many of them: each subscription knows its place, and from `indexedCountMin` on they are found by a
/// table. (That of 400,000 takes 12 ms to grow.)
struct Subscriptions {
    private(set) var all: [Subscription] = []
    private var byGroup: [ObjectIdentifier: Subscription] = [:]

    /// Up to here, looking at each is as fast.
    private static let indexedCountMin = 9

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }
    var last: Subscription? { all.last }
    /// True where walking all of them costs more than looking some up.
    var areMany: Bool { all.count >= Self.indexedCountMin }

    subscript(group: Group) -> Subscription? {
        areMany ? byGroup[ObjectIdentifier(group)] : all.first { $0.group === group }
    }

    /// The group of `subscription` must not be there yet.
    mutating func append(_ subscription: Subscription) {
        subscription.indexInQueue = all.count
        all.append(subscription)
        if all.count == Self.indexedCountMin {
            for subscription in all { byGroup[ObjectIdentifier(subscription.group)] = subscription }
        } else if areMany {
            byGroup[ObjectIdentifier(subscription.group)] = subscription
        }
    }

    mutating func remove(_ subscription: Subscription) {
        let last = all.removeLast()
        if last !== subscription {
            all[subscription.indexInQueue] = last
            last.indexInQueue = subscription.indexInQueue
        }
        if areMany { byGroup[ObjectIdentifier(subscription.group)] = nil } else { byGroup = [:] }
    }
}

import Channels

/// A group: its members, and the log of what was sent to it.
///
/// How it works. A group send appends one entry to `log`, whatever the number of members. Each queue with a member has a
/// ``Subscription`` with a position: entries up to it have been looked at. A queue that is received from, sent to or purged
/// *settles*: it replays the entries past its positions, merged over its groups, as far as there is room, counts the rest as
/// dropped, and moves its positions to the end. It never walks what it does not accept: what was dropped is the number of
/// entries in a range times the memberships that span it, and ``SortedChunks`` counts a range fast.
///
/// An entry leaves the log when it expires (`logDeadlines`) or when the subscription with the lowest position has passed
/// it (subscriptions are linked in the order of their positions: one that settles moves to the end of that list).
///
/// A removed group is *closed*: it leaves the layer's table and gets no entries any more, but its log stays for those who have
/// not read it. A group that is made under the same name later has nothing to do with it.
final class Group: Sweepable {
    let name: GroupName
    /// Unexpired members by name; one that lapsed within the last second may still be there.
    var members = SortedChunks<Membership>()
    /// Unexpired entries that somebody may still want, by number.
    var log = SortedChunks<LogEntry>()
    var logDeadlines = ExpiryQueue<LogEntry>()
    /// The number of the last entry that was ever appended.
    var lastNumber: UInt64 = 0
    /// Subscriptions by the first instant at which one of their memberships may lapse.
    var lapses = IndexedHeap<Subscription>()
    /// Removed from the layer: nobody finds it by its name, only those who have not read its log.
    var isClosed = false

    // SAFETY: a subscription takes itself out of the list before its queue lets go of it.
    private(set) unowned(unsafe) var firstSubscription: Subscription?
    private unowned(unsafe) var lastSubscription: Subscription?

    // SAFETY: see `ActiveGroups`, whose they are.
    unowned(unsafe) var previousActive: Group?
    unowned(unsafe) var nextActive: Group?

    /// Memberships whose channel has receivers in wait.
    private(set) var waitingMemberships: [Membership] = []
    /// Subscriptions whose mailbox has receivers in wait.
    private(set) var waitingSubscriptions: [Subscription] = []

    /// The layer's flush after which the group was made; an older one is as good as closed.
    let flushGeneration: UInt64

    init(name: GroupName, flushGeneration: UInt64) {
        self.name = name
        self.flushGeneration = flushGeneration
        super.init()
    }

    var isUnused: Bool { members.isEmpty && firstSubscription == nil && log.isEmpty }
    var hasWaiters: Bool { !waitingMemberships.isEmpty || !waitingSubscriptions.isEmpty }

    /// Lets go of the subscriptions, which hold the group in turn. It is not to be used any more.
    func letGo() { lapses = IndexedHeap() }

    // MARK: Subscriptions in the order of their positions

    func appendSubscription(_ subscription: Subscription) {
        subscription.previous = lastSubscription
        subscription.next = nil
        if let last = lastSubscription { last.next = subscription } else { firstSubscription = subscription }
        lastSubscription = subscription
    }

    func unlinkSubscription(_ subscription: Subscription) {
        let next = subscription.next
        let previous = subscription.previous
        if let previous { previous.next = next } else { firstSubscription = next }
        if let next { next.previous = previous } else { lastSubscription = previous }
        subscription.next = nil
        subscription.previous = nil
    }

    // MARK: Who waits

    func addWaiting(_ membership: Membership) {
        guard membership.waitingIndex < 0 else { return }
        membership.waitingIndex = waitingMemberships.count
        waitingMemberships.append(membership)
    }

    func removeWaiting(_ membership: Membership) {
        let index = membership.waitingIndex
        guard index >= 0 else { return }
        membership.waitingIndex = -1
        let last = waitingMemberships.removeLast()
        guard last !== membership else { return }
        waitingMemberships[index] = last
        last.waitingIndex = index
    }

    func addWaiting(_ subscription: Subscription) {
        guard subscription.waitingIndex < 0 else { return }
        subscription.waitingIndex = waitingSubscriptions.count
        waitingSubscriptions.append(subscription)
    }

    func removeWaiting(_ subscription: Subscription) {
        let index = subscription.waitingIndex
        guard index >= 0 else { return }
        subscription.waitingIndex = -1
        let last = waitingSubscriptions.removeLast()
        guard last !== subscription else { return }
        waitingSubscriptions[index] = last
        last.waitingIndex = index
    }
}

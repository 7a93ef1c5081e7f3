import Channels

/// A queue in a group: the memberships of its channels, and how far it has read the group's log.
///
/// For a channel of its own that is one membership at a time; for a mailbox, any number.
final class Subscription: HeapItem {
    // SAFETY: a queue owns its subscriptions; none outlives it.
    unowned(unsafe) let queue: Queue
    let group: Group
    /// Entries up to this number have been looked at.
    var position: UInt64
    /// Entries up to this number may be freed as far as this queue is concerned; not greater than `position`. The group's
    /// list is in the order of these.
    var trimPosition: UInt64

    // SAFETY: held by the group's members; a membership takes itself out before it goes.
    private(set) unowned(unsafe) var firstMember: Membership?
    private unowned(unsafe) var lastMember: Membership?
    private(set) var memberCount = 0
    /// How many members joined since which number, ascending; those up to `position` are one bucket.
    private(set) var joins: [(after: UInt64, count: Int)] = []
    /// Ended memberships with copies unread, in the order in which they ended.
    var ended: [Membership] = []

    /// Memberships by deadline; a key may be too early, since a renewal does not move it.
    var memberLapses = IndexedHeap<Membership>()
    /// When to look whether the copies of ended memberships have all expired; a lower bound.
    var endedLookAt: Instant?
    /// In the group's heap: not later than the first lapse, nor than `endedLookAt`.
    var nextLapse: Instant
    var heapIndex = -1
    var heapKey: Instant { nextLapse }

    /// Exclusions of unread entries, over all memberships; and who has any.
    fileprivate(set) var exclusionCount = 0
    // SAFETY: held as members or as ended ones; each is taken out with its last exclusion.
    fileprivate var excludedMembers: [Unmanaged<Membership>] = []

    // SAFETY: linked among the group's subscriptions; each unlinks itself before it goes.
    unowned(unsafe) var next: Subscription?
    unowned(unsafe) var previous: Subscription?
    var waitingIndex = -1

    init(queue: Queue, group: Group, position: UInt64, nextLapse: Instant) {
        self.queue = queue
        self.group = group
        self.position = position
        trimPosition = position
        self.nextLapse = nextLapse
    }

    /// Its place among the queue's subscriptions.
    var indexInQueue = 0

    var isUnused: Bool { memberCount == 0 && ended.isEmpty }

    /// True where the log has entries that this queue has not looked at.
    var hasNews: Bool { group.lastNumber > position }

    func link(_ member: Membership) {
        member.previous = lastMember
        if let last = lastMember { last.next = member } else { firstMember = member }
        lastMember = member
        memberCount += 1
        // What was sent before the join and what was sent before the last entry is the same, so members that join between
        // two sends share a bucket.
        let after = max(position, min(member.joinedAfter, group.lastNumber))
        if let last = joins.last, last.after >= after {
            joins[joins.count - 1].count += 1
        } else {
            joins.append((after, 1))
        }
    }

    func unlink(_ member: Membership) {
        let next = member.next
        let previous = member.previous
        if let previous { previous.next = next } else { firstMember = next }
        if let next { next.previous = previous } else { lastMember = previous }
        member.next = nil
        member.previous = nil
        memberCount -= 1
        // The bucket with the greatest `after` that is not past the join.
        var low = 0
        var high = joins.count
        while low < high {
            let middle = (low + high) / 2
            if joins[middle].after <= member.joinedAfter { low = middle + 1 } else { high = middle }
        }
        let bucket = max(0, low - 1)
        joins[bucket].count -= 1
        if joins[bucket].count == 0 { joins.remove(at: bucket) }
    }

    /// Forgets the exclusions of entries up to `number`, which have been read.
    func forgetExclusions(through number: UInt64) {
        for member in excludedMembers { member.takeUnretainedValue().forgetExclusions(through: number) }
    }

    /// All entries so far have been looked at: one bucket is left.
    func collapseJoins() {
        joins = memberCount == 0 ? [] : [(position, memberCount)]
    }

    /// How many unread, unexpired copies there are, members' and ended memberships' together. O(joins + ended).
    var dueCount: Int {
        let log = group.log
        guard let last = log.last?.stored.number, last > position else { return 0 }
        var due = 0
        for bucket in joins {
            due += bucket.count * log.count(after: max(bucket.after, position), through: last)
        }
        for membership in ended {
            due += log.count(after: max(membership.joinedAfter, position), through: membership.endedAfter)
        }
        return due - exclusionCount
    }
}

/// A channel in a group.
final class Membership: HeapItem, SortedItem {
    // SAFETY: a channel is kept while it has memberships, or ended ones with copies unread.
    unowned(unsafe) let channel: Channel
    // SAFETY: a subscription is kept while it has memberships, ended ones with copies unread included.
    unowned(unsafe) let subscription: Subscription
    /// Group sends with greater numbers are meant for it …
    let joinedAfter: UInt64
    /// … up to this one.
    var endedAfter: UInt64 = .max
    /// The order of joining; orders the copies of one group send in a mailbox.
    let joinStamp: UInt64
    /// A member until then.
    var deadline: Instant
    /// The deadline as the subscription's heap knows it.
    var heapKey: Instant
    var heapIndex = -1
    /// Of unread entries, ascending.
    private var exclusions: [Exclusion] = []
    /// Its place in the subscription's list of those that have exclusions; -1 outside of it.
    private var excludedIndex = -1
    /// The group send in progress passes it by: excluded, or served already.
    var skippedNumber: UInt64 = 0

    // SAFETY: linked among the subscription's members; each unlinks itself before it goes.
    unowned(unsafe) var next: Membership?
    unowned(unsafe) var previous: Membership?
    var waitingIndex = -1

    init(channel: Channel, subscription: Subscription, joinedAfter: UInt64, joinStamp: UInt64, deadline: Instant) {
        self.channel = channel
        self.subscription = subscription
        self.joinedAfter = joinedAfter
        self.joinStamp = joinStamp
        self.deadline = deadline
        self.heapKey = deadline
    }

    var sortKey: String { channel.name.rawValue }

    /// Whether it gets a copy of the entry with that number.
    func isMeant(by number: UInt64) -> Bool {
        joinedAfter < number && number <= endedAfter && (exclusions.isEmpty || !excludes(number))
    }

    // MARK: Exclusions

    var exclusionCount: Int { exclusions.count }

    private func excludes(_ number: UInt64) -> Bool { indexOfExclusion(number) != nil }

    func remember(_ exclusion: Exclusion) {
        exclusions.append(exclusion)
        subscription.exclusionCount += 1
        guard excludedIndex < 0 else { return }
        excludedIndex = subscription.excludedMembers.count
        subscription.excludedMembers.append(.passUnretained(self))
    }

    /// Forgets one whose entry has left the log.
    func forget(_ exclusion: Exclusion) {
        guard let index = indexOfExclusion(exclusion.number) else { return }
        forgetExclusions(in: index..<index + 1)
    }

    /// Forgets those of entries up to `number`.
    func forgetExclusions(through number: UInt64) {
        let count = exclusions.firstIndex { $0.number > number } ?? exclusions.count
        forgetExclusions(in: 0..<count)
    }

    private func forgetExclusions(in range: Range<Int>) {
        guard !range.isEmpty else { return }
        for exclusion in exclusions[range] { exclusion.member = nil }
        exclusions.removeSubrange(range)
        subscription.exclusionCount -= range.count
        guard exclusions.isEmpty else { return }
        let last = subscription.excludedMembers.removeLast().takeUnretainedValue()
        if last !== self {
            subscription.excludedMembers[excludedIndex] = .passUnretained(last)
            last.excludedIndex = excludedIndex
        }
        excludedIndex = -1
    }

    private func indexOfExclusion(_ number: UInt64) -> Int? {
        var low = 0
        var high = exclusions.count
        while low < high {
            let middle = (low + high) / 2
            if exclusions[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < exclusions.count && exclusions[low].number == number ? low : nil
    }
}

import Channels

/// What shares one capacity: a channel of its own, or a mailbox with all its channels.
///
/// Each channel keeps its own copies in order; a mailbox finds its oldest through a heap of its channels' heads.
final class Queue: Sweepable {
    let name: ChannelName
    let capacity: Int
    /// True for a mailbox; a queue of its own has exactly one channel, of the same name.
    let isMailbox: Bool
    var counts = MessageCounts()

    /// The channels of a mailbox by name, or the one channel.
    private var channelsByName: [String: Channel] = [:]
    private var soleChannel: Channel?

    /// All waiting copies by deadline.
    var deadlines = ExpiryQueue<Copy>()
    /// The channels that have a copy, by their oldest (mailboxes only).
    var heads = IndexedHeap<Channel>()
    /// What waits, expired copies included until they are drained.
    var pending = 0

    /// The groups in which a channel of this queue is, or was with copies still unread.
    var subscriptions = Subscriptions()
    /// Group copies up to this number have been looked at.
    var settledThrough: UInt64 = 0

    /// Receivers that wait on the mailbox itself.
    var mailboxWaiters = WaitList()
    /// Receivers that wait on it or on a channel in it, each once.
    var waitingCount = 0

    /// The layer's purge stamp when the whole queue was last purged.
    var purgeStamp: UInt64 = 0
    /// Channels of a mailbox that were purged on their own, and when: the last ones' stamps are kept for a while.
    var purgedChannels: [(channel: Channel, stamp: UInt64, at: Instant)] = []
    static let purgedChannelsMax = 1000
    /// The layer's flush that this queue has heard of.
    var flushGeneration: UInt64
    var lastChange: Instant

    init(name: ChannelName, capacity: Int, flushGeneration: UInt64, now: Instant) {
        self.name = name
        self.capacity = capacity
        self.isMailbox = name.isMailbox
        self.flushGeneration = flushGeneration
        self.lastChange = now
        super.init()
        if !isMailbox { soleChannel = Channel(name: name, queue: self) }
    }

    func channel(_ name: ChannelName) -> Channel? {
        isMailbox ? channelsByName[name.rawValue] : soleChannel
    }

    func makeChannel(_ name: ChannelName) -> Channel {
        let channel = Channel(name: name, queue: self)
        channelsByName[name.rawValue] = channel
        return channel
    }

    /// Lets go of a channel inside the mailbox, if nothing needs it. Returns whether it did.
    func removeIfUnused(_ channel: Channel) -> Bool {
        guard isMailbox, channel.isUnused, channelsByName[channel.name.rawValue] === channel else { return false }
        channelsByName[channel.name.rawValue] = nil
        return true
    }

    var allChannels: [Channel] { isMailbox ? Array(channelsByName.values) : [soleChannel!] }

    /// The oldest copy of the whole queue.
    var oldest: Copy? { isMailbox ? heads.first?.oldest : soleChannel!.oldest }

    var isUnused: Bool { pending == 0 && subscriptions.isEmpty && waitingCount == 0 }
}

/// A channel: its copies in order, its receivers in wait, its memberships.
final class Channel: HeapItem {
    let name: ChannelName
    // SAFETY: a queue owns its channels; none outlives it.
    unowned(unsafe) let queue: Queue
    private(set) var oldest: Copy?
    // SAFETY: held by `oldest` through the chain of `next`.
    private unowned(unsafe) var youngest: Copy?
    private(set) var count = 0
    var waiters = WaitList()
    /// Memberships that have not ended; those of a removed group stay until they are cleared away.
    var memberships: [Membership] = []
    /// Ended memberships of which copies are unread.
    var unreadMembershipCount = 0
    /// The layer's purge stamp when this channel alone was last purged; 0 for never, or forgotten.
    var purgeStamp: UInt64 = 0
    /// How often its copies were purged; those of before are garbage.
    var purgeCount: UInt32 = 0
    var heapIndex = -1

    init(name: ChannelName, queue: Queue) {
        self.name = name
        self.queue = queue
    }

    deinit { Self.unravel(detachAll()) }

    var heapKey: CopyOrder { oldest!.order }

    var isUnused: Bool {
        oldest == nil && waiters.isEmpty && memberships.isEmpty && unreadMembershipCount == 0 && purgeStamp == 0
    }

    /// Links a copy in, in order. Next to O(1): only a copy that was given back looks for its place, from the head.
    func insert(_ copy: Copy) {
        count += 1
        guard let last = youngest else {
            oldest = copy
            youngest = copy
            return
        }
        if last.order < copy.order {
            last.next = copy
            copy.previous = last
            youngest = copy
            return
        }
        var next = oldest!
        while next.order < copy.order { next = next.next! }
        copy.next = next
        copy.previous = next.previous
        if let previous = next.previous { previous.next = copy } else { oldest = copy }
        next.previous = copy
    }

    func remove(_ copy: Copy) {
        count -= 1
        let previous = copy.previous
        let next = copy.next
        if let previous { previous.next = next } else { oldest = next }
        if let next { next.previous = previous } else { youngest = previous }
        copy.next = nil
        copy.previous = nil
    }

    /// Takes all copies out at once; the caller takes the chain apart.
    func detachAll() -> Copy? {
        let chain = oldest
        oldest = nil
        youngest = nil
        count = 0
        return chain
    }

    /// Frees a chain link by link: freed as a whole, a long one would recurse once for each copy.
    static func unravel(_ chain: Copy?) {
        var rest = chain
        while let copy = rest {
            rest = copy.next
            copy.next = nil
        }
    }
}

import Channels

/// All of a layer's state, and what can be done to it in one hold of the layer's lock.
///
/// How it works. `MemoryBackend` keeps it behind one `Mutex`. An operation gets the instant as `now` and a `Budget` of work:
/// whatever concerns many (expired messages, lapsed members, a flushed layer) is done a slice at a time. An operation that
/// needs more of that than its budget allows says `.again`; the lock is let go, others get their turn, and it is repeated.
/// So no hold is long, and yet each answer is exact for its instant.
///
/// Receivers are never told here that their wait has ended, and large contents never freed: both are gathered, for after the
/// lock.
// SAFETY: it is reached through the layer's `Mutex` only, and nothing of it but values leaves the lock.
final class LayerState: @unchecked Sendable {
    let settings: LayerSettings
    /// The first half of every id.
    let epoch: UInt64
    /// What one operation may do, in one hold of the lock, of what concerns many.
    let operationBudget: Budget
    /// The same for a slice of what is done in the background.
    let sliceBudget: Budget

    /// The number of the last accepted message.
    var sequence: UInt64 = 0
    /// The number of the last entry in any group's log.
    var lastGroupNumber: UInt64 = 0
    var queues = NameTable<Queue>()
    var groups = NameTable<Group>()
    var activeGroups = ActiveGroups()
    var sweeps = IndexedHeap<Sweepable>()
    /// Chains of purged copies that wait to be freed.
    var garbage: [Garbage] = []
    var wakeUps: [Waiter] = []
    /// Messages with large contents that nothing holds any more.
    var discarded: [StoredMessage] = []
    /// The instant for which a sweep is scheduled.
    var scheduledSweep: Instant?

    var totals = MessageCounts()
    var pending = 0
    var groupSends = 0
    var groupCopies = 0
    var waiting = 0
    var channelCount = 0
    var populatedGroups = 0
    /// Payloads and bookkeeping, by `MemoryCost`.
    var bytes = 0

    var lastArrival: UInt64 = 0
    var lastJoinStamp: UInt64 = 0
    /// Grows with each purge and flush; a delivery remembers it, so that a purge wins over a later giveBack.
    var purgeStamp: UInt64 = 0
    var flushGeneration: UInt64 = 0
    var flushPurgeStamp: UInt64 = 0
    var flushedAt: Instant

    init(
        settings: LayerSettings, epoch: UInt64, now: Instant, operationBudget: Budget = .operation,
        sliceBudget: Budget = .slice
    ) {
        self.settings = settings
        self.operationBudget = operationBudget
        self.sliceBudget = sliceBudget
        self.epoch = epoch
        self.flushedAt = now
    }

    /// A group and the subscriptions in its heap of lapses hold each other; here is the end of all of them.
    deinit {
        for shard in 0..<NameTable<Queue>.shardCount {
            for queue in queues.objects(inShard: shard) {
                for subscription in queue.subscriptions.all { subscription.group.letGo() }
            }
        }
    }

    // MARK: Finding and making

    func queue(of channel: ChannelName) -> Queue? { queues[channel.queue.rawValue] }

    func channel(_ name: ChannelName) -> Channel? { queue(of: name)?.channel(name) }

    func makeQueue(of channel: ChannelName, now: Instant) -> Queue {
        queues[channel.queue.rawValue] ?? insertQueue(of: channel, now: now)
    }

    /// Makes the queue of a channel that has none yet.
    func insertQueue(of channel: ChannelName, now: Instant) -> Queue {
        let name = channel.queue
        let queue = Queue(
            name: name, capacity: settings.capacity(of: name), flushGeneration: flushGeneration, now: now)
        queues.insert(queue, named: name.rawValue)
        if !queue.isMailbox { channelCount += 1 }
        bytes += MemoryCost.queue + name.rawValue.utf8.count
        return queue
    }

    func makeChannel(_ name: ChannelName, in queue: Queue) -> Channel {
        if let channel = queue.channel(name) { return channel }
        channelCount += 1
        bytes += MemoryCost.channel + name.rawValue.utf8.count
        return queue.makeChannel(name)
    }

    /// What it would take to make the queue and the channel of that name, as far as they are not there.
    func bytesToMake(_ name: ChannelName) -> Int {
        let queue = queue(of: name)
        var bytes = 0
        if queue == nil { bytes += MemoryCost.queue + name.queue.rawValue.utf8.count }
        if name.isInMailbox, queue?.channel(name) == nil { bytes += MemoryCost.channel + name.rawValue.utf8.count }
        return bytes
    }

    /// Lets go of a mailbox's channel that nothing needs any more.
    func tidy(_ channel: Channel, in queue: Queue) {
        guard queue.removeIfUnused(channel) else { return }
        channelCount -= 1
        bytes -= MemoryCost.channel + channel.name.rawValue.utf8.count
    }

    /// Sees to it that a queue that nothing needs is swept away: soon where it never counted anything, else after a minute.
    ///
    /// Never at once: the operation in progress may go on to use it.
    func tidy(_ queue: Queue, now: Instant) {
        guard queue.isUnused else { return }
        schedule(queue, at: max(now + Self.sweepSlack, goesAt(queue)))
    }

    /// The instant from which an unused queue may go.
    func goesAt(_ queue: Queue) -> Instant {
        let hasHistory = queue.counts != MessageCounts() || queue.purgeStamp != 0
        return hasHistory ? queue.lastChange + Self.countsKept : queue.lastChange
    }

    /// How long a channel's counts are kept after its last message, membership and receiver.
    static let countsKept = Instant.Span(.seconds(60))

    func remove(_ queue: Queue) {
        precondition(queues[queue.name.rawValue] === queue)
        if queue.heapIndex >= 0 { sweeps.remove(queue) }
        queues.remove(queue.name.rawValue)
        bytes -= MemoryCost.queue + queue.name.rawValue.utf8.count
        for channel in queue.allChannels {
            channelCount -= 1
            if queue.isMailbox { bytes -= MemoryCost.channel + channel.name.rawValue.utf8.count }
        }
    }

    // MARK: Copies

    func hold(_ stored: StoredMessage) {
        if stored.holderCount == 0 { bytes += stored.bytes }
        stored.holderCount += 1
    }

    func release(_ stored: StoredMessage) {
        stored.holderCount -= 1
        guard stored.holderCount == 0 else { return }
        bytes -= stored.bytes
        if stored.message.content.count >= Self.discardedBytesMin { discarded.append(stored) }
    }

    /// Contents from this size on are freed outside the lock: it may take the allocator a system call.
    private static let discardedBytesMin = 16_384

    /// Puts a copy into its queue.
    func store(_ stored: StoredMessage, in channel: Channel, joinStamp: UInt64 = 0) {
        let queue = channel.queue
        let copy = Copy(stored, in: channel, joinStamp: joinStamp)
        hold(stored)
        bytes += MemoryCost.copy
        channel.insert(copy)
        if queue.isMailbox {
            if channel.heapIndex < 0 { queue.heads.insert(channel) } else { queue.heads.update(channel) }
        }
        queue.deadlines.insert(copy)
        queue.pending += 1
        pending += 1
        schedule(queue, at: stored.deadline + Self.sweepSlack)
    }

    /// Takes a copy out of its queue.
    func remove(_ copy: Copy) {
        let channel = copy.channel
        let queue = channel.queue
        channel.remove(copy)
        if queue.isMailbox {
            if channel.oldest == nil { queue.heads.remove(channel) } else { queue.heads.update(channel) }
        }
        queue.deadlines.remove(copy)
        queue.pending -= 1
        pending -= 1
        bytes -= MemoryCost.copy
        release(copy.stored)
    }

    // MARK: Sweeps

    /// Expired things are freed up to this long after their instant, so that many go in one visit.
    static let sweepSlack = Instant.Span(.milliseconds(250))

    /// Has a sweep visit `object` at `instant` at the latest.
    func schedule(_ object: Sweepable, at instant: Instant) {
        if object.heapIndex < 0 {
            object.sweepAt = instant
            sweeps.insert(object)
        } else if instant < object.sweepAt {
            object.sweepAt = instant
            sweeps.update(object)
        }
    }
}

extension LayerState {
    /// What this hold of the lock leaves to be done after it.
    func takeLeftovers() -> Leftovers? {
        guard !wakeUps.isEmpty || !discarded.isEmpty else { return nil }
        defer {
            wakeUps = []
            discarded = []
        }
        return Leftovers(wakeUps: wakeUps, discarded: discarded)
    }

    /// When to run a sweep, if none is scheduled for that early.
    func sweepToSchedule(now: Instant) -> Instant? {
        guard let due = garbage.isEmpty ? sweeps.first?.sweepAt : now else { return nil }
        if let scheduledSweep, scheduledSweep <= due { return nil }
        scheduledSweep = due
        return due
    }
}

/// What is done outside the lock.
struct Leftovers {
    /// Whose waits have ended.
    var wakeUps: [Waiter] = []
    /// Freed with this.
    var discarded: [StoredMessage] = []
}

/// How much may be done in one hold of the lock; a unit is some 400 ns.
struct Budget {
    /// Some 600 µs: what needs more is repeated, and begins anew.
    static let operation = Budget(1500)
    /// Some 60 µs: nobody in particular waits for it, and everybody else may.
    static let slice = Budget(150)

    private(set) var units: Int

    init(_ units: Int) { self.units = units }

    var isSpent: Bool { units <= 0 }
    mutating func spend(_ units: Int = 1) { self.units -= units }
}

/// What one try of an operation gave.
enum Attempt<Value> {
    case done(Value)
    /// The budget was spent on what had to be done first; try again.
    case again
}

extension Attempt: Sendable where Value: Sendable {}

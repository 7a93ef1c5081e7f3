/// What happened to messages. `sent` = `delivered` + `expired` + `purged` + what is pending, exactly.
public struct MessageCounts: Sendable, Equatable {
    /// Accepted sends, and group copies that found room.
    public var sent: Int
    public var delivered: Int
    public var expired: Int
    /// Dropped by a purge or a flush.
    public var purged: Int
    /// Sends refused because the queue was full.
    public var rejected: Int
    /// Group copies that found no room.
    public var dropped: Int

    public init(
        sent: Int = 0, delivered: Int = 0, expired: Int = 0, purged: Int = 0, rejected: Int = 0, dropped: Int = 0
    ) {
        self.sent = sent
        self.delivered = delivered
        self.expired = expired
        self.purged = purged
        self.rejected = rejected
        self.dropped = dropped
    }
}

/// What is going on in a channel, or in a whole mailbox. Nil: the backend cannot tell.
public struct ChannelStatus: Sendable, Equatable {
    /// Unexpired messages that wait in the channel, as settling would leave them.
    public var pending: Int?
    /// The limit of its queue.
    public var capacity: Int?
    /// How long ago the oldest of them was sent; nil where none waits, too.
    public var oldestAge: Duration?
    /// Receivers in wait that a send to this channel could reach.
    public var waiting: Int?
    /// The groups of which it is a member now, in ASCII order.
    public var groups: [GroupName]?
    public var counts: MessageCounts?

    public init(
        pending: Int? = nil, capacity: Int? = nil, oldestAge: Duration? = nil, waiting: Int? = nil,
        groups: [GroupName]? = nil, counts: MessageCounts? = nil
    ) {
        self.pending = pending
        self.capacity = capacity
        self.oldestAge = oldestAge
        self.waiting = waiting
        self.groups = groups
        self.counts = counts
    }
}

/// The totals of a layer. Nil: the backend cannot tell.
public struct LayerStats: Sendable, Equatable {
    public var counts: MessageCounts?
    /// Unexpired messages that wait in queues.
    public var pending: Int?
    public var groupSends: Int?
    /// The sum of the `members` of all group sends.
    public var groupCopies: Int?
    /// Deliveries whose answer certainly reached nobody and that could not go back.
    public var lost: Int?
    /// Channels with a message, a membership, a receiver or recent counts.
    public var channels: Int?
    public var groups: Int?
    /// Receivers in wait.
    public var waiting: Int?
    /// Payloads and bookkeeping.
    public var bytes: Int?
    public var bytesMax: Int?

    public init(
        counts: MessageCounts? = nil, pending: Int? = nil, groupSends: Int? = nil, groupCopies: Int? = nil,
        lost: Int? = nil, channels: Int? = nil, groups: Int? = nil, waiting: Int? = nil, bytes: Int? = nil,
        bytesMax: Int? = nil
    ) {
        self.counts = counts
        self.pending = pending
        self.groupSends = groupSends
        self.groupCopies = groupCopies
        self.lost = lost
        self.channels = channels
        self.groups = groups
        self.waiting = waiting
        self.bytes = bytes
        self.bytesMax = bytesMax
    }
}

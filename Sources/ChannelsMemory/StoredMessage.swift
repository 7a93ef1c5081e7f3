import Channels

/// A message as it is stored: once, however many copies of it wait.
// SAFETY: everything that changes (`holderCount`) is touched under the layer's lock only; the rest is constant.
final class StoredMessage: @unchecked Sendable {
    let number: UInt64
    let message: Message
    let sentAt: Instant
    let deadline: Instant
    let group: GroupName?
    /// The queues' copies and the log entry that hold it. At 0 it weighs nothing on the memory limit.
    var holderCount = 0

    init(number: UInt64, message: Message, sentAt: Instant, deadline: Instant, group: GroupName?) {
        self.number = number
        self.message = message
        self.sentAt = sentAt
        self.deadline = deadline
        self.group = group
    }

    var bytes: Int { Self.bytes(of: message) }

    static func bytes(of message: Message) -> Int {
        MemoryCost.message + message.content.count + (message.contentType?.utf8.count ?? 0)
    }
}

/// One copy of a message, waiting in a channel.
final class Copy: ExpiryItem {
    let stored: StoredMessage
    /// Orders the copies of one group send in a mailbox: when the membership began. 0 for a direct send.
    let joinStamp: UInt64
    // SAFETY: a channel is kept as long as a copy waits in it.
    unowned(unsafe) let channel: Channel
    /// The channel's purges before this copy came.
    private let purgeCount: UInt32
    var next: Copy?
    // SAFETY: the previous copy holds this one by `next`, so it lives while this one is linked.
    unowned(unsafe) var previous: Copy?
    var heapIndex = -1
    // SAFETY: see `ExpiryItem`.
    unowned(unsafe) var earlier: Copy?
    unowned(unsafe) var later: Copy?

    init(_ stored: StoredMessage, in channel: Channel, joinStamp: UInt64) {
        self.stored = stored
        self.channel = channel
        self.joinStamp = joinStamp
        purgeCount = channel.purgeCount
    }

    /// Purged: out of its channel's chain, and waiting to be freed.
    var isGarbage: Bool { purgeCount != channel.purgeCount }

    /// In the queue's `deadlines`: when it expires.
    var heapKey: Instant { stored.deadline }

    /// The rough global order: by number, the copies of one group send by membership.
    var order: CopyOrder { CopyOrder(number: stored.number, joinStamp: joinStamp) }
}

struct CopyOrder: Comparable {
    var number: UInt64
    var joinStamp: UInt64

    static func < (left: Self, right: Self) -> Bool {
        left.number != right.number ? left.number < right.number : left.joinStamp < right.joinStamp
    }
}

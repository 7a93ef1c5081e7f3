/// How to send to a channel. Grows by properties with defaults, so that no backend breaks.
public struct SendOptions: Sendable {
    /// How long the message may wait; nil for the layer's default. Zero: only for a receiver that waits right now.
    public var expiry: Duration?
    /// The group whose send this is a copy of, nil for a direct send. Said by the default of `sendGroup` alone: a backend that
    /// keeps it with the message can deliver it (``Delivery/group``).
    public var group: GroupName?

    public init(expiry: Duration? = nil, group: GroupName? = nil) {
        self.expiry = expiry
        self.group = group
    }
}

/// What an accepted send answers.
public struct SendReceipt: Sendable, Equatable {
    public var id: MessageID
    /// What waits unexpired in the queue, this message included; 0 where it went straight to a receiver. Nil: cannot tell.
    public var pending: Int?
    /// The queue's limit. Nil: cannot tell.
    public var capacity: Int?

    public init(id: MessageID, pending: Int?, capacity: Int?) {
        self.id = id
        self.pending = pending
        self.capacity = capacity
    }
}

/// How much a receive takes.
public struct ReceiveOptions: Sendable {
    /// How many messages at most, from 1.
    public var messagesMax: Int
    /// How many bytes of content together at most; the first message always fits.
    public var contentBytesMax: Int

    public init(messagesMax: Int = 1, contentBytesMax: Int = .max) {
        self.messagesMax = messagesMax
        self.contentBytesMax = contentBytesMax
    }
}

public struct GroupAddOptions: Sendable {
    /// How long the membership lasts at least; nil for the layer's default.
    public var expiry: Duration?

    public init(expiry: Duration? = nil) {
        self.expiry = expiry
    }
}

public struct GroupSendOptions: Sendable {
    /// How long each copy may wait; nil for the layer's default.
    public var expiry: Duration?
    /// Channels that get no copy.
    public var excluded: [ChannelName]

    public init(expiry: Duration? = nil, excluded: [ChannelName] = []) {
        self.expiry = expiry
        self.excluded = excluded
    }
}

public struct GroupSendReceipt: Sendable, Equatable {
    /// The one id that all its copies bear. Nil: each has an id of its own, as by the default of `sendGroup`.
    public var id: MessageID?
    /// How many channels it was meant for. Nil: cannot tell.
    public var members: Int?

    public init(id: MessageID?, members: Int?) {
        self.id = id
        self.members = members
    }
}

public struct GroupMembersOptions: Sendable {
    /// Only names after this one, in ASCII order.
    public var after: ChannelName?
    /// 1 to 10,000.
    public var limit: Int

    public init(after: ChannelName? = nil, limit: Int = 1000) {
        self.after = after
        self.limit = limit
    }
}

public struct GroupMembersPage: Sendable, Equatable {
    public var channels: [ChannelName]
    /// True where there are members after the last of `channels`.
    public var hasMore: Bool

    public init(channels: [ChannelName], hasMore: Bool) {
        self.channels = channels
        self.hasMore = hasMore
    }
}

import Channels

/// What a backend brings to its ``Comparison`` with the eager reference: what it does under its lock or in its
/// transactions, as plain calls that return when all of it is done. Messages have the numbers that the reference gives
/// them, 1 and up.
protocol ComparedLayer: AnyObject {
    /// A receiver in wait.
    associatedtype Wait: AnyObject

    /// True where a group send may still count members that lapsed just now. They get nothing.
    var mayCountLapsed: Bool { get }
    /// False where a flush has the counts of channels begin anew. (True by default.)
    var keepsCountsOverFlush: Bool { get }
    /// False where what goes to a receiver in wait goes through the store, as if there were none: nobody waits then. (True by
    /// default.)
    var canWait: Bool { get }

    // MARK: Time

    /// All that follows happens when that has passed since the beginning.
    func move(to now: Duration)
    /// Frees a slice of what is over.
    func sweep()
    /// Frees all that is over by now.
    func sweepAll()

    // MARK: Messages

    /// - Throws: `channelFull`, with what waits as `actual`.
    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> (number: UInt64, pending: Int)

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) -> (number: UInt64, members: Int)

    /// - Parameter names: each once, and no channel of a mailbox that is named as well.
    func receive(_ names: [ChannelName], options: ReceiveOptions) -> [Delivery]
    func giveBack(_ deliveries: [Delivery])
    func purge(_ channel: ChannelName)
    func flush()
    /// The number of a message.
    func number(of delivery: Delivery) -> UInt64

    // MARK: Waits

    /// Takes what is there; where that is nothing, a wait has begun.
    func receiveOrWait(_ names: [ChannelName], options: ReceiveOptions) -> (deliveries: [Delivery], wait: Wait?)
    /// Ends a wait before anything came.
    func end(_ wait: Wait)
    func isOver(_ wait: Wait) -> Bool
    /// Whose receivers are to be told, since this was asked last, what they got.
    func takeServed() -> [Wait]
    /// What a wait has got.
    func deliveries(of wait: Wait) -> [Delivery]

    // MARK: Groups

    func groupAdd(_ channel: ChannelName, to group: GroupName, expiry: Duration)
    func groupDiscard(_ channel: ChannelName, from group: GroupName)
    func removeGroup(_ group: GroupName)
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) -> GroupMembersPage

    // MARK: Looking

    func status(of channel: ChannelName) -> ChannelStatus
    func stats() -> LayerStats
    /// What takes room, by kind. None of it may be left of a layer in which all has run out.
    func leftovers() -> [(what: String, count: Int)]
}

extension ComparedLayer {
    var keepsCountsOverFlush: Bool { true }
    var canWait: Bool { true }
}

/// A backend that answers at once: a call neither blocks nor waits for anything but a lock that is held for microseconds.
///
/// It is called on the loop of the connection that asks, outside of any task. The operations are those of ``ChannelBackend``;
/// each may say nil, with nothing done, where it has more to do than a moment allows: then the other one is asked. Any other
/// backend is called as ``WaitingChannelBackend`` alone.
public protocol ImmediateChannelBackend: WaitingChannelBackend {
    /// - Throws: as `send`.
    func sendAtOnce(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> SendReceipt?

    /// What is there; empty where nothing is.
    func receiveManyAtOnce(_ channels: [ChannelName], options: ReceiveOptions) -> [Delivery]?

    /// What is there; else begins to wait for what `receiver` is then told. Such a wait needs no task, and has no time limit:
    /// whoever began it ends it. Nil, with nothing done, where it has more to do than a moment allows.
    ///
    /// - Throws: `layerFull` (503) where there is no memory for the wait. `receiver` then hears nothing.
    func receiveManyAtOnce(
        _ channels: [ChannelName], options: ReceiveOptions, orWait receiver: any WaitingReceiver
    ) throws(ChannelError) -> BlockingReceive?

    /// - Throws: as `sendGroup`.
    func sendGroupAtOnce(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) throws(ChannelError) -> GroupSendReceipt?
}

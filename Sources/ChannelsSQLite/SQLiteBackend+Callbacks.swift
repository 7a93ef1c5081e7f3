public import Channels

extension SQLiteBackend: CallbackChannelBackend {
    public func send(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping @Sendable (Result<SendReceipt, any Error>) -> Void
    ) {
        writer.enqueue(
            TypedCall(
                contentBytes: message.content.count,
                { store in try store.receipt(sending: message, to: channel, options: options) }, finish: completion))
    }

    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions,
        completion: @escaping @Sendable (Result<GroupSendReceipt, any Error>) -> Void
    ) {
        writer.enqueue(
            TypedCall(
                contentBytes: message.content.count,
                { store in try store.receipt(sending: message, to: group, options: options) }, finish: completion))
    }
}

/// A backend that takes sends at once and tells later what became of them, so that a send needs no task while it is stored.
///
/// Both operations return without blocking, on whatever thread they are called; what they do is what those of
/// ``ChannelBackend`` do, which have defaults made of them. `completion` is called once, from any thread, with no lock held, perhaps before they return.
public protocol CallbackChannelBackend: ChannelBackend {
    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping @Sendable (Result<SendReceipt, any Error>) -> Void)

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions,
        completion: @escaping @Sendable (Result<GroupSendReceipt, any Error>) -> Void)
}

extension CallbackChannelBackend {
    public func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await withCheckedThrowingContinuation { continuation in
            send(message, to: channel, options: options) { continuation.resume(with: $0) }
        }
    }

    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        try await withCheckedThrowingContinuation { continuation in
            sendGroup(message, to: group, options: options) { continuation.resume(with: $0) }
        }
    }
}

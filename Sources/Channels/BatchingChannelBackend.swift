/// A backend that does many sends at less than their sum: by one commit, or in one round trip to its store.
///
/// It is asked as ``ChannelBackend/send(_:to:options:)`` is: where it may block, on threads of its layer. A client hears within
/// two seconds what became of the batch as a whole. Any other backend is asked for one send of a batch after the other.
public protocol BatchingChannelBackend: ChannelBackend {
    /// Does sends in their order, each on its own: one that is refused undoes none of the others.
    ///
    /// - Returns: for each send, in their order, what it would answer or throw. Where there are fewer, the rest is answered
    ///   `outcomeUnknown`.
    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>]
}

/// One send of several.
public enum BatchedSend: Sendable {
    case channel(ChannelName, Message, SendOptions)
    case group(GroupName, Message, GroupSendOptions)

    /// What is sent.
    public var message: Message {
        switch self {
        case .channel(_, let message, _), .group(_, let message, _): message
        }
    }
}

/// What one send of several answers.
public enum BatchedReceipt: Sendable, Equatable {
    case channel(SendReceipt)
    case group(GroupSendReceipt)
}

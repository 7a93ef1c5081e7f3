/// The contract between Laurel and a store: what a backend MUST do, what it SHOULD, and what it may.
///
/// ## Implementation requirements
/// The first five operations are required, the others have defaults. All may be called from any thread, many at once.
/// Inside a channel, order is the order in which sends were accepted; a message is taken by at most one receive.
/// Throw ``ChannelError`` for what a client can understand; any other error is answered with 500 and logged.
///
/// Durations are at most 1,000,000,000 s; names are valid by construction.
public protocol ChannelBackend: Sendable {
    /// What the backend can do and how it wants to be called. Constant for the life of the backend.
    var traits: BackendTraits { get }

    // MARK: MUST

    /// Sends `message` onto `channel`. Never waits for a receiver or for room.
    ///
    /// - Throws: `channelFull` (429), `layerFull`, `backendUnavailable`, `outcomeUnknown` (503), `messageTooLarge` (413).
    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt

    /// Takes what is there at once, oldest first over all the named channels; empty where nothing is.
    ///
    /// A name that ends in its first `!` is a mailbox: it stands for all its channels.
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery]

    /// Makes `channel` a member of `group` for at least `options.expiry` from now. Never shortens a membership.
    ///
    /// - Throws: `tooManyGroups` (409), `layerFull` (503).
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws

    /// Ends the membership if there is one. What was sent to it before stays sent.
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws

    /// The unexpired members in ASCII order, a page at a time.
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage

    // MARK: SHOULD

    /// As `receiveMany`, but suspends until there is a message, or `deadline` (on the clock of ``BackendContext``).
    ///
    /// Returns an empty array at the deadline. Cancellation of the task ends the wait: it throws `CancellationError` and
    /// has taken nothing, or it returns what it had taken before.
    ///
    /// - Throws: `layerFull` (503) where there is no memory for the wait.
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery]

    /// Sends one copy to each unexpired member that is not excluded. Never refused because a member is full.
    func sendGroup(_ message: Message, to group: GroupName, options: GroupSendOptions) async throws -> GroupSendReceipt

    // MARK: MAY

    /// Undoes the take of deliveries of which not one byte reached a client: each goes back to the head of its channel
    /// unless it has expired or was purged meanwhile. Returns how many could not go back and are `lost`.
    func giveBack(_ deliveries: [Delivery]) async -> Int

    /// Drops the messages that wait in `channel` (of a mailbox: in all its channels).
    func purge(_ channel: ChannelName) async throws

    /// Removes all members of `group`. What was sent to them before stays sent.
    func removeGroup(_ group: GroupName) async throws

    /// Drops every message and every group.
    func flush() async throws

    /// What is going on in `channel`. Takes nothing and changes nothing.
    func status(of channel: ChannelName) async throws -> ChannelStatus

    /// The layer's totals. Takes nothing and changes nothing.
    func stats() async throws -> LayerStats

    /// Throws where the backend could not serve a send now (`/health/ready` answers 503).
    func checkReadiness() async throws

    /// Releases what the backend holds. Called once, after the last request has been answered.
    func shutdown() async
}

/// What a backend declares of itself.
public struct BackendTraits: Sendable {
    /// True where deliveries can be given back.
    public var givesBack: Bool

    public init(givesBack: Bool = false) {
        self.givesBack = givesBack
    }
}

/// The contract between Laurel and a store: what a backend MUST do, what it SHOULD, and what it may.
///
/// ## Implementation requirements
/// The first five operations are required. With nothing else, a backend serves the whole API: the other operations have
/// defaults made of the five, or say what cannot be made of them. It is served through what stands around it
/// (``Layer/backend``): receivers wait, although it cannot, and it may block, although loops must not.
///
/// - **Threads.** Each operation may be called from any thread, many at once. Unless `traits.neverBlocks`, it is called on
///   threads of its own layer, ``LayerThreads/threadsMax`` at most: it may block one of them and holds up nobody but
///   itself. (What it does inside `Task {}`, or on a queue of its client's, is not on them.) It must come to an end
///   nevertheless: a send that has not ended within two seconds is answered `outcomeUnknown`, and is left to end.
/// - **Order.** Inside a channel, messages are taken in the order in which sends were accepted.
/// - **At most once.** A message is taken by one receive at most, whatever happens to the answer.
/// - **Sending never waits** for a receiver, or for room: where there is none it throws `channelFull`, or drops.
/// - **Sizes.** Messages of 5,000,000 bytes at least; names of 1 to 200 printable ASCII characters, valid by construction.
/// - **Expiry.** Nothing is dropped for age before its time, or delivered after it. Durations are at most 1,000,000,000 s.
/// - **Errors.** Throw ``ChannelError`` for what a client can understand: it becomes the problem of its code, with its
///   status. Any other error is answered with 500 and logged. Throw `outcomeUnknown` where a send may have been stored.
/// - **Ids.** They are unique in the layer and grow with each send to the same channel.
/// - **Mailboxes.** A name that ends in its first `!` stands for all channels that begin with it (``ChannelName/mailbox``).
///
/// A store that can tell when a message comes conforms to ``WaitingChannelBackend``; one that answers without waiting for
/// anything, to ``ImmediateChannelBackend``. `ChannelsTesting` puts a backend through all of these rules as it is served.
public protocol ChannelBackend: Sendable {
    /// What the backend can do and how it wants to be called. Constant for the life of the backend.
    var traits: BackendTraits { get }

    // MARK: MUST

    /// Sends `message` onto `channel`. Never waits for a receiver or for room.
    ///
    /// - Throws: `channelFull` (429), `layerFull`, `backendUnavailable`, `outcomeUnknown` (503), `messageTooLarge` (413).
    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt

    /// Takes what is there, at once or after a short delay; empty where nothing is.
    ///
    /// Oldest first over all the named channels, as far as it can tell. One that cannot and tries the names in turn is given
    /// them in another order each time, so that a busy channel does not drown out the others; that holds as long as it has no
    /// ``WaitingChannelBackend/receiveManyBlocking(_:options:until:)`` of its own.
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

    /// Sends one copy to each unexpired member that is not excluded. Never refused because a member is full.
    ///
    /// The default sends to one member after the other, and says `group` in each copy's ``SendOptions``. O(members).
    func sendGroup(_ message: Message, to group: GroupName, options: GroupSendOptions) async throws -> GroupSendReceipt

    // MARK: MAY

    /// Undoes the take of deliveries of which not one byte reached a client: each goes back to the head of its channel
    /// unless it has expired or was purged meanwhile. Returns how many could not go back and are `lost`. Asked only where
    /// `traits.givesBack`.
    func giveBack(_ deliveries: [Delivery]) async -> Int

    /// Drops the messages that wait in `channel` (of a mailbox: in all its channels).
    func purge(_ channel: ChannelName) async throws

    /// Removes all members of `group`. What was sent to them before stays sent. The default discards one after the other.
    func removeGroup(_ group: GroupName) async throws

    /// Drops every message and every group.
    func flush() async throws

    /// What is going on in `channel`; nil for what it cannot tell. Takes nothing and changes nothing.
    func status(of channel: ChannelName) async throws -> ChannelStatus

    /// The layer's totals; nil for what it cannot tell. Takes nothing and changes nothing.
    func stats() async throws -> LayerStats

    /// Throws where the backend could not serve a send now (`/health/ready` answers 503).
    func checkReadiness() async throws

    /// Releases what the backend holds. Called once, after the last request has been answered.
    ///
    /// A send that was answered late may still be under way, and others may queue for a thread: wait for them, or make them
    /// fail, before giving up what protects the store.
    func shutdown() async
}

/// What a backend declares of itself.
public struct BackendTraits: Sendable {
    /// True where deliveries can be given back.
    public var givesBack: Bool
    /// True where no operation ever blocks its thread: it suspends while it waits for its store, and computes for moments
    /// only. It is then called where the request is served, and not on threads of the layer's own.
    public var neverBlocks: Bool

    public init(givesBack: Bool = false, neverBlocks: Bool = false) {
        self.givesBack = givesBack
        self.neverBlocks = neverBlocks
    }
}

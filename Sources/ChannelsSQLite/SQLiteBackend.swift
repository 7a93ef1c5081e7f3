public import Channels
import Synchronization

/// The backend in a file: messages, groups and memberships survive the process.
///
/// What is answered is committed. After a restart or a `kill -9` everything acknowledged is there; after a power cut
/// too with ``Synchronous/full``, while with ``Synchronous/normal`` the last moments may be missing. A delivery is
/// committed before it is returned, so a kill in between loses that one, and delivers nothing twice.
///
/// Expiry runs on the layer's clock while the file is open. Time during which it was closed counts, by the wall clock
/// at open: what would have expired meanwhile has. Where the wall clock was set back in between, none of that time
/// counts.
///
/// One process has the file at a time. Each operation suspends until its transaction, which it shares with all that
/// have gathered, is committed; a cancelled task still gets what became of it. Errors: what ``ChannelBackend`` says,
/// and `backendUnavailable` (503) while the disk is full or fails; it recovers by itself. ARCHITECTURE.md tells how it
/// works.
public final class SQLiteBackend: WaitingChannelBackend {
    /// What a commit waits for.
    public enum Synchronous: String, Sendable, CaseIterable {
        /// The operating system has it: survives the process. The default.
        case normal
        /// The disk has it: survives a power cut.
        case full
    }

    public let traits = BackendTraits(givesBack: true, neverBlocks: true)

    let writer: Writer
    private let clock: any ChannelClock

    /// Opens the file, or makes it where there is none; blocks while it does.
    ///
    /// - Throws: ``RegistryError`` for a file that is open elsewhere, not Laurel's, of a later release, damaged or not
    /// writable.
    public convenience init(
        path: String, synchronous: Synchronous = .normal, settings: LayerSettings = LayerSettings(),
        clock: any ChannelClock
    ) throws {
        try self.init(
            path: path, synchronous: synchronous, settings: settings, clock: clock, wall: FileTime.wallClock)
    }

    /// - Parameters:
    ///   - wall: tells the wall clock, in nanoseconds since 1970.
    ///   - space: tells how full the disk is; nil for the file's own.
    ///   - transactionTimeMax: how long the calls of one transaction run; what is left is run in the next.
    init(
        path: String, synchronous: Synchronous, settings: LayerSettings, clock: any ChannelClock,
        wall: @escaping @Sendable () -> Int64, space: DiskSpace? = nil,
        transactionTimeMax: Duration = .milliseconds(20)
    ) throws {
        let file = try OpenFile(
            path: path, isFull: synchronous == .full, settings: settings, clock: clock, wall: wall,
            space: space)
        self.clock = clock
        writer = Writer(file, sweeps: SweepPlan(on: clock), transactionTimeMax: transactionTimeMax)
        writer.start()
    }

    deinit { writer.close {} }

    /// How many transactions have been committed.
    var transactionCount: Int { writer.transactionCount }
    /// Calls that have no answer yet.
    var unansweredCallCount: Int { writer.unansweredCallCount }
    var isClosing: Bool { writer.isClosing }

    /// Runs an operation in the next transaction, and returns what it gave once that is committed.
    func perform<Value: Sendable>(
        contentBytes: Int = 0, mustNotFail: Bool = false, _ operation: @escaping @Sendable (Store) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let call = TypedCall(contentBytes: contentBytes, mustNotFail: mustNotFail, operation) {
                continuation.resume(with: $0)
            }
            writer.enqueue(call)
        }
    }

    /// The same for one that may take several transactions, with what `started` tells in the first of them.
    private func perform<Value: Sendable, Start: Sendable>(
        started: @escaping @Sendable (Store) -> Start,
        _ operation: @escaping @Sendable (Store, Start) throws -> Value
    ) async throws -> Value {
        let start = Mutex<Start?>(nil)
        return try await perform { store in
            let start = start.withLock { start in
                let value = start ?? started(store)
                start = value
                return value
            }
            return try operation(store, start)
        }
    }

    // MARK: Receiving

    public func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let names = ChannelName.distinct(channels)
        return try await perform { store in try store.receive(names, options: options) }
    }

    public func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try Task.checkCancellation()
        guard deadline > clock.now else { return try await receiveMany(channels, options: options) }
        let waiter = Waiter(ChannelName.distinct(channels), options: options)
        let timeLimit = clock.schedule(at: deadline) { [writer] in writer.end(waiter, .timeLimit) }
        defer { timeLimit.cancel() }
        let deliveries = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.resume = { continuation.resume(returning: $0) }
                // Looking and parking are one operation of the thread on which all ends of waits are decided.
                let call = TypedCall({ store in try store.receive(for: waiter) }) { outcome in
                    switch outcome {
                    case .success(nil): break  // it waits
                    case .success(let deliveries?): continuation.resume(returning: deliveries)
                    case .failure(let error): continuation.resume(throwing: error)
                    }
                }
                writer.enqueue(call)
            }
        } onCancel: {
            writer.end(waiter, .cancellation)
        }
        if deliveries.isEmpty { try Task.checkCancellation() }
        return deliveries
    }

    public func giveBack(_ deliveries: [Delivery]) async -> Int {
        do {
            // Its memory is held already: refusing would free none.
            let contentBytes = deliveries.reduce(0) { $0 + $1.message.content.count }
            try await perform(contentBytes: contentBytes, mustNotFail: true) { store in
                try store.giveBack(deliveries)
            }
            return 0
        } catch {
            return deliveries.count
        }
    }

    // MARK: Groups

    public func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await perform { store in
            try store.groupAdd(channel, to: group, expiry: options.expiry ?? store.settings.groupExpiry)
        }
    }

    public func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await perform { store in try store.groupDiscard(channel, from: group) }
    }

    public func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await perform { store in try store.groupMembers(group, options: options) }
    }

    public func removeGroup(_ group: GroupName) async throws {
        try await perform { store in try store.removeGroup(group) }
    }

    // MARK: The rest

    public func purge(_ channel: ChannelName) async throws {
        // Where a mailbox's channel takes several transactions, what is sent between them stays.
        try await perform(started: { $0.layer.sequence }) { store, last in try store.purge(channel, through: last) }
    }

    public func flush() async throws {
        try await perform(started: { $0.now }) { store, begin in try store.flush(begin: begin) }
    }

    public func status(of channel: ChannelName) async throws -> ChannelStatus {
        try await perform { store in try store.status(of: channel) }
    }

    public func stats() async throws -> LayerStats {
        try await perform { store in try store.stats() }
    }

    /// Writes as a send does, and commits.
    public func checkReadiness() async throws {
        try await perform { [writer] store in
            try writer.requireRoom()
            try store.probe()
        }
    }

    public func shutdown() async {
        await withCheckedContinuation { continuation in writer.close { continuation.resume() } }
    }
}

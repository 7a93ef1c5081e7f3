public import Channels
import Synchronization

/// A backend that keeps its messages as files: `folder:/var/lib/laurel`.
///
/// How it works: a message is a file, `queues/=news/3-42-1764000000000000000-=news`, whose name tells all but its content; a
/// member of a group is an empty one, `groups/=room/3-43-1764000000000000000-=ann`. A file is written elsewhere and renamed
/// to its place, so it is there as a whole or not at all; who unlinks it has taken it. Messages are not synced: they outlive
/// the server, but a power cut may lose what was just sent, and bring back what was just taken. Ids never come again.
public final class FolderBackend: ChannelBackend {
    private struct State {
        var lastNumber: UInt64 = 0
        var nextSweep = 0
        var isShutDown = false
    }

    private let folder: Folder
    private let settings: LayerSettings
    private let timeline: Timeline
    /// The lock is held while files are listed, written and read: one operation after the other, and each of them blocks.
    private let state = Mutex(State())

    /// The factory of `folder:PATH`.
    ///
    /// - Throws: `RegistryError` for a URL without a path or with settings of its own, and for a folder in use.
    public convenience init(_ context: BackendContext) throws {
        try context.requireOnly()
        guard !context.url.location.isEmpty else {
            throw RegistryError("'folder:' needs a path (layer '\(context.layer)'), as in 'folder:/var/lib/laurel'.")
        }
        try self.init(in: context.url.location, settings: context.settings, clock: context.clock)
    }

    /// Opens the folder, or makes it. Until `shutdown` it is this backend's alone.
    public init(in path: String, settings: LayerSettings, clock: any ChannelClock) throws {
        folder = try Folder(path)
        self.settings = settings
        timeline = Timeline(clock)
    }

    /// Waits for the operation that is under way, if there is one; those that come later are refused.
    public func shutdown() async {
        state.withLock { state in
            state.isShutDown = true
            folder.unlock()
        }
    }

    /// One operation after the other.
    ///
    /// - Throws: `backendUnavailable` where the folder may be another's by now; what `body` throws.
    private func withFolder<Value>(_ body: (inout State) throws -> Value) throws -> Value {
        try state.withLock { state in
            guard !state.isShutDown else { throw ChannelError(.backendUnavailable, "The folder has been closed.") }
            return try body(&state)
        }
    }

    // MARK: Messages

    public func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try withFolder { state in
            sweepOnceAMinute(&state)
            let pending = try entries(in: Entry.folder(of: channel.queue)).count
            let capacity = settings.capacity(of: channel.queue)
            guard pending < capacity else {
                throw ChannelError.channelFull(channel.queue, capacity: capacity, pending: pending)
            }
            let expiry = options.expiry ?? settings.expiry
            let entry = makeEntry(in: Entry.folder(of: channel.queue), channel, expiry: expiry, &state)
            try folder.write(StoredMessage(message: message, group: options.group).bytes, to: entry.path)
            // Without time to wait, it does not.
            return SendReceipt(id: entry.id, pending: expiry > .zero ? pending + 1 : pending, capacity: capacity)
        }
    }

    public func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try withFolder { _ in
            let names = Set(channels)
            let waiting = try Set(channels.map(\.queue)).flatMap { try entries(in: Entry.folder(of: $0)) }
                .filter { names.contains($0.channel) || names.contains($0.channel.queue) }
                .sorted { $0.id < $1.id }
            var deliveries: [Delivery] = []
            var contentBytes = 0
            // Nothing throws from here on: an error would lose what has been taken. A file that cannot be read stays, and expires.
            for entry in waiting where deliveries.count < options.messagesMax {
                guard let stored = folder.read(entry.path).flatMap(StoredMessage.init(bytes:)) else { continue }
                contentBytes += stored.message.content.count
                guard deliveries.isEmpty || contentBytes <= options.contentBytesMax else { break }
                guard folder.remove(entry.path) else { continue }
                deliveries.append(
                    Delivery(id: entry.id, channel: entry.channel, group: stored.group, message: stored.message))
            }
            for delivery in deliveries { folder.removeIfEmpty(Entry.folder(of: delivery.channel.queue)) }
            return deliveries
        }
    }

    // MARK: Groups

    public func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try withFolder { state in
            let entry = makeEntry(
                in: Entry.folder(of: group), channel, expiry: options.expiry ?? settings.groupExpiry, &state)
            let earlier = try entries(in: Entry.folder(of: group)).filter { $0.channel == channel }
            if earlier.contains(where: { $0.deadline >= entry.deadline }) { return }
            try folder.write([], to: entry.path)
            // One that cannot be removed lapses before the new one, and changes nothing.
            for entry in earlier { _ = folder.remove(entry.path) }
        }
    }

    public func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try withFolder { _ in
            let entries = try entries(in: Entry.folder(of: group))
            for entry in entries where entry.channel == channel { try folder.discard(entry.path) }
            folder.removeIfEmpty(Entry.folder(of: group))
        }
    }

    public func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try withFolder { _ in
            // A renewal that was cut off between its two steps leaves a member twice.
            let members = Set(try entries(in: Entry.folder(of: group)).map(\.channel)).sorted()
            let rest = options.after.map { after in members.filter { $0 > after } } ?? members
            return GroupMembersPage(channels: Array(rest.prefix(options.limit)), hasMore: rest.count > options.limit)
        }
    }

    // MARK: Entries

    private func makeEntry(
        in folderName: String, _ channel: ChannelName, expiry: Duration, _ state: inout State
    ) -> Entry {
        state.lastNumber += 1
        let id = MessageID(epoch: folder.startNumber, number: state.lastNumber)
        return Entry(folder: folderName, id: id, deadline: timeline.now(plus: expiry), channel: channel)
    }

    /// The messages of a queue or the members of a group, in no order. What has expired is removed.
    private func entries(in folderName: String) throws -> [Entry] {
        let now = timeline.now()
        return try folder.list(folderName).compactMap { Entry(folder: folderName, file: $0) }.filter { entry in
            if entry.deadline <= now { _ = folder.remove(entry.path) }
            return entry.deadline > now
        }
    }

    /// Removes what has expired where nobody looks, so that the folder does not grow for ever. No send fails because of it.
    private func sweepOnceAMinute(_ state: inout State) {
        guard timeline.now() >= state.nextSweep else { return }
        state.nextSweep = timeline.now(plus: .seconds(60))
        for top in [Entry.queues, Entry.groups] {
            for name in (try? folder.list(top)) ?? [] {
                guard let left = try? entries(in: "\(top)/\(name)"), left.isEmpty else { continue }
                folder.removeIfEmpty("\(top)/\(name)")
            }
        }
    }
}

public import Channels
import Synchronization

/// A backend that keeps its messages as files: `folder:/var/lib/laurel`.
///
/// How it works: a message is a file, `queues/=news/3-42-1764000000000000000-=news`, whose name tells all but its content; a
/// member of a group is an empty one, `groups/=room/3-43-1764000000000000000-=ann`. A file is written elsewhere and renamed
/// to its place, so it is there as a whole or not at all; who unlinks it has taken it. Nothing is synced: what was sent
/// outlives the server, but not a power cut.
public final class FolderBackend: ChannelBackend {
    private struct State {
        var lastNumber: UInt64 = 0
        var nextSweep = 0
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

    public func shutdown() async { folder.unlock() }

    // MARK: Messages

    public func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try state.withLock { state in
            sweepOnceAMinute(&state)
            let pending = try entries(in: Entry.folder(of: channel.queue)).count
            let capacity = settings.capacity(of: channel.queue)
            guard pending < capacity else {
                throw ChannelError.channelFull(channel.queue, capacity: capacity, pending: pending)
            }
            let entry = makeEntry(
                in: Entry.folder(of: channel.queue), channel, expiry: options.expiry ?? settings.expiry, &state)
            try folder.write(StoredMessage(message: message, group: options.group).bytes, to: entry.path)
            return SendReceipt(id: entry.id, pending: pending + 1, capacity: capacity)
        }
    }

    public func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try state.withLock { _ in
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
        try state.withLock { state in
            let entry = makeEntry(
                in: Entry.folder(of: group), channel, expiry: options.expiry ?? settings.groupExpiry, &state)
            let earlier = try entries(in: Entry.folder(of: group)).filter { $0.channel == channel }
            if earlier.contains(where: { $0.deadline >= entry.deadline }) { return }
            try folder.write([], to: entry.path)
            for entry in earlier { _ = folder.remove(entry.path) }
        }
    }

    public func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try state.withLock { _ in
            let entries = try entries(in: Entry.folder(of: group))
            for entry in entries where entry.channel == channel { _ = folder.remove(entry.path) }
            folder.removeIfEmpty(Entry.folder(of: group))
        }
    }

    public func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try state.withLock { _ in
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
        let id = MessageID(epoch: folder.startsCount, number: state.lastNumber)
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

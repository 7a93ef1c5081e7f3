import Channels
import ChannelsTesting
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// A backend on a file in a folder of its own, on a clock that the test moves.
struct Layer {
    let folder: TemporaryFolder
    let clock: ManualClock
    let backend: SQLiteBackend

    /// The wall clock at the first open.
    static let wall: Int64 = 1_800_000_000_000_000_000

    init(
        in folder: TemporaryFolder? = nil, file: String = "layer.db", settings: LayerSettings = LayerSettings(),
        synchronous: SQLiteBackend.Synchronous = .normal, wall: Int64 = Self.wall
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        clock = ManualClock()
        backend = try SQLiteBackend(
            path: self.folder.path(file), synchronous: synchronous, settings: settings, clock: clock, wall: wall)
    }

    @discardableResult
    func send(_ text: String, to channel: String, expiry: Duration? = nil) async throws -> SendReceipt {
        try await backend.send(
            Message(content: Array(text.utf8)), to: ChannelName(channel), options: SendOptions(expiry: expiry))
    }

    @discardableResult
    func sendGroup(_ text: String, to group: String) async throws -> GroupSendReceipt {
        try await backend.sendGroup(
            Message(content: Array(text.utf8)), to: GroupName(group), options: GroupSendOptions())
    }

    func receive(_ channels: String..., max: Int = 1) async throws -> [Delivery] {
        try await backend.receiveMany(
            channels.map { try ChannelName($0) }, options: ReceiveOptions(messagesMax: max))
    }

    func receiveTexts(_ channels: String..., max: Int = 100) async throws -> [String] {
        try await backend.receiveMany(
            channels.map { try ChannelName($0) }, options: ReceiveOptions(messagesMax: max)
        ).map(\.text)
    }

    /// A receiver that has begun to wait.
    func wait(on channel: String, max: Int = 1) async throws -> Task<[Delivery], any Error> {
        let before = try await backend.stats().waiting ?? 0
        let (backend, deadline) = (backend, clock.now.advanced(by: .seconds(30)))
        let task = Task {
            try await backend.receiveManyBlocking(
                [ChannelName(channel)], options: ReceiveOptions(messagesMax: max), until: deadline)
        }
        while try await backend.stats().waiting == before { await Task.yield() }
        return task
    }

    func join(_ channel: String, _ group: String, for expiry: Duration? = nil) async throws {
        try await backend.groupAdd(ChannelName(channel), to: GroupName(group), options: GroupAddOptions(expiry: expiry))
    }

    func pending(_ channel: String) async throws -> Int? { try await backend.status(of: ChannelName(channel)).pending }
}

extension Delivery {
    var text: String { String(decoding: message.content, as: UTF8.self) }
}

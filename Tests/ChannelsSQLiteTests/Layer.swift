import Channels
import ChannelsTesting
import Dispatch
import Synchronization
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// A backend on a file in a folder of its own, on a clock that the test moves.
struct Layer {
    let folder: TemporaryFolder
    let clock: ManualClock
    let wall: WallClock
    let backend: SQLiteBackend

    /// The wall clock at the first open.
    static let wall: Int64 = 1_800_000_000_000_000_000

    init(
        in folder: TemporaryFolder? = nil, file: String = "layer.db", settings: LayerSettings = LayerSettings(),
        synchronous: SQLiteBackend.Synchronous = .normal, wall: Int64 = Self.wall, space: DiskSpace? = nil
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        clock = ManualClock()
        let wall = WallClock(at: wall, on: clock)
        self.wall = wall
        backend = try SQLiteBackend(
            path: self.folder.path(file), synchronous: synchronous, settings: settings, clock: clock,
            // What gathers shares a transaction, however slow the machine is.
            wall: { wall.now }, space: space, transactionTimeMax: .seconds(600))
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

    /// Has the writer stand still, in a transaction of its own, until `release` is called. Once.
    func hold() async throws -> (@Sendable () -> Void) {
        let gate = DispatchSemaphore(value: 0)
        let isHeld = Mutex(false)
        Task { [backend] in
            try await backend.perform { _ in
                isHeld.withLock { $0 = true }
                gate.wait()
            }
        }
        // Not by the number of calls: one that has its answer may be counted for a moment yet.
        while isHeld.withLock({ !$0 }) { await Task.yield() }
        return { gate.signal() }
    }

    /// Has the writer stand still until all calls that `ask` begins have gathered: they share a transaction.
    func gather<Value: Sendable>(
        _ count: Int, _ ask: @escaping @Sendable (inout ThrowingTaskGroup<Value, any Error>) -> Void
    ) async throws -> [Value] {
        let release = try await hold()
        let before = backend.unansweredCallCount
        return try await withThrowingTaskGroup(of: Value.self) { group in
            ask(&group)
            while backend.unansweredCallCount < before + count { await Task.yield() }
            release()
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    func pending(_ channel: String) async throws -> Int? { try await backend.status(of: ChannelName(channel)).pending }
}

/// A wall clock that runs with a layer's clock, and can be set.
final class WallClock: Sendable {
    private let clock: ManualClock
    private let start: ContinuousClock.Instant
    private let atStart: Mutex<Int64>

    init(at time: Int64, on clock: ManualClock) {
        self.clock = clock
        start = clock.now
        atStart = Mutex(time)
    }

    var now: Int64 { atStart.withLock { $0 } + start.duration(to: clock.now).nanoseconds }

    func set(forward seconds: Int64) { atStart.withLock { $0 += seconds * 1_000_000_000 } }
}

extension Delivery {
    var text: String { String(decoding: message.content, as: UTF8.self) }
}

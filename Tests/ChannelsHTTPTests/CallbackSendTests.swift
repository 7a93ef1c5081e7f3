import Channels
import ChannelsHTTP
import ChannelsMemory
import ChannelsTesting
import Synchronization
import Testing

@Suite("Sends that a backend answers later, without a task", .timeLimit(.minutes(1)))
struct CallbackSendTests {
    private let clock = ManualClock()
    private let backend = HoldingBackend()

    private func makeAPI() async -> APIDriver { await APIDriver(layers: ["default": backend], clock: clock) }

    /// Begins a send, and comes back once the backend has it.
    private func begin(_ path: String, on api: APIDriver) async -> Task<Answer, Never> {
        let before = backend.heldCount
        let send = Task { await api.request("POST", path, body: "1") }
        while backend.heldCount == before { await Task.yield() }
        return send
    }

    @Test("The answer is the backend's", arguments: ["/channels/a", "/groups/g"])
    func answered(path: String) async {
        let api = await makeAPI()
        let send = await begin(path, on: api)
        backend.release()
        let answer = await send.value
        #expect(answer.status == 202)
        #expect(answer.json[path == "/channels/a" ? "pending" : "members"] == (path == "/channels/a" ? 1 : 0))
    }

    @Test("What the backend refuses is refused")
    func refused() async {
        let api = await makeAPI()
        let send = await begin("/channels/a", on: api)
        backend.release(failing: ChannelError(.backendUnavailable, "The disk is full."))
        let answer = await send.value
        #expect(answer.status == 503 && answer.problem == "backend-unavailable")
    }

    @Test(
        "After two seconds the outcome is unknown, and the backend's answer is dropped",
        arguments: ["/channels/a", "/groups/g"])
    func late(path: String) async {
        let api = await makeAPI()
        let send = await begin(path, on: api)
        while clock.scheduledCount < 1 { await Task.yield() }
        clock.advance(by: .milliseconds(1999))
        #expect(clock.scheduledCount == 1)
        clock.advance(by: .milliseconds(1))
        let answer = await send.value
        #expect(answer.status == 503 && answer.problem == "outcome-unknown")
        backend.release()
        let next = await begin(path, on: api)
        backend.release()
        #expect(await next.value.status == 202)
    }

    @Test("So many go on unanswered at most: more are refused at once, until the backend answers")
    func bounded() async {
        let api = await makeAPI()
        var sends: [Task<Answer, Never>] = []
        for _ in 0..<1024 { sends.append(await begin("/channels/a", on: api)) }
        while clock.scheduledCount < 1024 { await Task.yield() }
        clock.advance(by: .seconds(2))
        for send in sends { #expect(await send.value.problem == "outcome-unknown") }
        let refused = await api.request("POST", "/channels/a", body: "1")
        #expect(refused.status == 503 && refused.problem == "backend-unavailable")
        backend.release()
        let next = await begin("/channels/b", on: api)
        backend.release()
        #expect(await next.value.status == 202)
    }
}

/// Holds sends back until they are released; the rest is memory's.
private final class HoldingBackend: CallbackChannelBackend, WaitingChannelBackend {
    private let memory = MemoryBackend(clock: ManualClock(), epoch: 1)
    private let held = Mutex<[@Sendable ((any Error)?) -> Void]>([])

    var traits: BackendTraits { BackendTraits(neverBlocks: true) }
    var heldCount: Int { held.withLock(\.count) }

    func release(failing error: (any Error)? = nil) {
        let all = held.withLock { held in
            defer { held = [] }
            return held
        }
        for answer in all { answer(error) }
    }

    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions,
        completion: @escaping @Sendable (Result<SendReceipt, any Error>) -> Void
    ) {
        held.withLock { held in
            held.append { [memory] error in
                let receipt = Result { try memory.sendAtOnce(message, to: channel, options: options)! }
                completion(error.map { .failure($0) } ?? receipt.mapError { $0 })
            }
        }
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions,
        completion: @escaping @Sendable (Result<GroupSendReceipt, any Error>) -> Void
    ) {
        held.withLock { held in
            held.append { [memory] error in
                let receipt = Result { try memory.sendGroupAtOnce(message, to: group, options: options)! }
                completion(error.map { .failure($0) } ?? receipt.mapError { $0 })
            }
        }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await memory.send(message, to: channel, options: options)
    }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await memory.receiveMany(channels, options: options)
    }

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        try await memory.receiveManyBlocking(channels, options: options, until: deadline)
    }

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await memory.groupAdd(channel, to: group, options: options)
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await memory.groupDiscard(channel, from: group)
    }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await memory.groupMembers(group, options: options)
    }
}

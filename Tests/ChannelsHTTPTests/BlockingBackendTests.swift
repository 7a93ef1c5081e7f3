import Channels
import ChannelsHTTP
import ChannelsMemory
import ChannelsTesting
import Dispatch
import Synchronization
import Testing

@Suite("The API over a backend that blocks its threads", .timeLimit(.minutes(1)))
struct BlockingBackendTests {
    private let clock = ManualClock()
    private let gate = BlockingBackend()

    @Test("While its calls block, another layer's requests are answered, and the process is up")
    func stallsNobody() async {
        let api = await makeAPI()
        // More than it has threads, and more than the pool has.
        let sends = (0..<40).map { _ in Task { await api.request("POST", "/channels/a", body: "1") } }
        while gate.blockedCount < 16 { await Task.yield() }
        #expect(await api.request("GET", "/health/live").status == 200)
        #expect(await api.request("POST", "/layers/other/channels/a", body: "1").status == 202)
        async let delivery = api.request("GET", "/layers/other/receive?channels=b&timeout=30")
        #expect(await api.request("POST", "/layers/other/channels/b", body: "2").status == 202)
        #expect(await delivery.json["message"] == 2)
        #expect(gate.blockedCount == 16)
        gate.open()
        for send in sends { #expect(await send.value.status == 202) }
    }

    @Test("A send is answered within two seconds on the layer's clock, and goes on")
    func sendLimit() async {
        let api = await makeAPI()
        for (path, count) in [("/channels/a", 1), ("/groups/g", 2)] {
            async let answer = api.request("POST", path, body: "1")
            while gate.blockedCount < count || clock.scheduledCount < 1 { await Task.yield() }
            clock.advance(by: .milliseconds(1999))
            #expect(clock.scheduledCount == 1)
            clock.advance(by: .milliseconds(1))
            let late = await answer
            #expect(late.status == 503 && late.problem == "outcome-unknown")
        }
        gate.open()
        while gate.sentCount < 1 { await Task.yield() }
    }

    @Test("A batch has two seconds as a whole: one entry's outcome is unknown, what was not begun is not stored")
    func batchLimit() async {
        let api = await makeAPI()
        let body = #"[{"channel":"a","message":1},{"channel":"b","message":2},{"group":"g","message":3}]"#
        async let answer = api.request("POST", "/batch", body: body)
        while gate.blockedCount < 1 || clock.scheduledCount < 1 { await Task.yield() }
        clock.advance(by: .seconds(2))
        let types = await answer.json["results"]?.array?.map { $0["type"] }
        #expect(
            types == ["/problems/outcome-unknown", "/problems/backend-unavailable", "/problems/backend-unavailable"])
        gate.open()
        while gate.sentCount < 1 { await Task.yield() }
        #expect(gate.sentCount == 1)
    }

    @Test("Unanswered sends are bounded: above that they are refused at once, until some have ended")
    func unanswered() async {
        let api = await makeAPI()
        let sends = (0..<1024).map { _ in Task { await api.request("POST", "/channels/a", body: "1") } }
        while clock.scheduledCount < 1024 { await Task.yield() }
        clock.advance(by: .seconds(2))
        for send in sends { #expect(await send.value.problem == "outcome-unknown") }
        let refused = await answerToOneMore(api)
        #expect(refused?.status == 503 && refused?.problem == "backend-unavailable")
        gate.open()
        while gate.sentCount < 1024 { await Task.yield() }
        // The last one may still be on its way back.
        while await api.request("POST", "/channels/a", body: "1").status != 202 { await Task.yield() }
        #expect(gate.sentCount == 1025)
    }

    @Test("The content of sends that have not ended is bounded, answered or not: above that they are refused at once")
    func contentBytes() async {
        let api = await makeAPI()
        let content = [UInt8](repeating: 0, count: 16 << 20)
        let sends = (0..<16).map { _ in
            Task {
                await api.request(
                    "POST", "/channels/a", [("Content-Type", "application/octet-stream")], body: content)
            }
        }
        while clock.scheduledCount < 16 { await Task.yield() }
        for isAnswered in [false, true] {
            if isAnswered {
                clock.advance(by: .seconds(2))
                for send in sends { #expect(await send.value.problem == "outcome-unknown") }
            }
            #expect(await answerToOneMore(api)?.problem == "backend-unavailable")
        }
        gate.open()
        while gate.sentCount < 16 { await Task.yield() }
        while await api.request("POST", "/channels/a", body: "1").status != 202 { await Task.yield() }
        #expect(gate.sentCount == 17)
    }

    @Test("A backend that does not answer is not ready, and is not asked again meanwhile")
    func readiness() async {
        let api = await APIDriver(layers: ["default": gate], clock: clock)
        async let answer = api.request("GET", "/health/ready")
        while gate.blockedCount < 1 || clock.scheduledCount < 1 { await Task.yield() }
        clock.advance(by: .seconds(2))
        let late = await answer
        #expect(late.status == 503 && late.json["detail"]?.string?.contains("default") == true)
        #expect(await answerToOneMore(api, "GET", "/health/ready", body: nil)?.status == 503)
        #expect(gate.blockedCount == 1)
        gate.open()
        while await api.request("GET", "/health/ready").status != 200 { await Task.yield() }
    }

    @Test("Readiness is asked for one at a time, and who asks meanwhile shares the answer")
    func readinessAtOnce() async {
        let checked = CheckedBackend()
        let api = await APIDriver(layers: ["default": checked], clock: clock)
        let checks = (0..<40).map { _ in Task { await api.request("GET", "/health/ready") } }
        for check in checks { #expect(await check.value.status == 200) }
        #expect(checked.mostAtOnce == 1)
        // Each asks anew once the last one has been answered.
        #expect(await api.request("GET", "/health/ready").status == 200)
    }

    /// What one more request, a send, is answered at once; or, where it is let in, when its time is up.
    private func answerToOneMore(
        _ api: APIDriver, _ method: String = "POST", _ path: String = "/channels/a", body: [UInt8]? = [0x31]
    ) async -> Answer? {
        let scheduledCount = clock.scheduledCount
        return await withTaskGroup(of: Answer?.self) { tasks in
            tasks.addTask { await api.request(method, path, body: body) }
            tasks.addTask {
                while !Task.isCancelled {
                    if clock.scheduledCount > scheduledCount { clock.advance(by: .seconds(2)) }
                    await Task.yield()
                }
                return nil
            }
            defer { tasks.cancelAll() }
            return await tasks.next() ?? nil
        }
    }

    private func makeAPI() async -> APIDriver {
        await APIDriver(
            layers: ["default": gate, "other": MemoryBackend(clock: clock, epoch: 1)], clock: clock)
    }
}

/// Blocks the thread of each call until the test opens it.
private final class BlockingBackend: ChannelBackend {
    private struct State {
        var isOpen = false
        var blocked: [DispatchSemaphore] = []
        var sentCount = 0
    }

    private let state = Mutex(State())

    /// Calls that have been blocked so far.
    var blockedCount: Int { state.withLock(\.blocked.count) }
    var sentCount: Int { state.withLock(\.sentCount) }

    func open() {
        let blocked = state.withLock { state in
            state.isOpen = true
            return state.blocked
        }
        for semaphore in blocked { semaphore.signal() }
    }

    private func block() {
        let semaphore = DispatchSemaphore(value: 0)
        let isOpen = state.withLock { state in
            if !state.isOpen { state.blocked.append(semaphore) }
            return state.isOpen
        }
        if !isOpen { semaphore.wait() }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        block()
        let number = state.withLock { state in
            state.sentCount += 1
            return state.sentCount
        }
        return SendReceipt(id: MessageID(epoch: 1, number: UInt64(number)), pending: nil, capacity: nil)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        block()
        return []
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws { block() }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws { block() }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        block()
        return GroupMembersPage(channels: [], hasMore: false)
    }
    func checkReadiness() async throws { block() }
}

/// Takes its time to say that it is ready.
private final class CheckedBackend: ChannelBackend {
    private let checks = Mutex((underWay: 0, mostAtOnce: 0))

    /// How many checks were under way together at most.
    var mostAtOnce: Int { checks.withLock(\.mostAtOnce) }

    func checkReadiness() async throws {
        checks.withLock { checks in
            checks.underWay += 1
            checks.mostAtOnce = max(checks.mostAtOnce, checks.underWay)
        }
        for _ in 0..<100 { await Task.yield() }
        checks.withLock { $0.underWay -= 1 }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        throw ChannelError.notImplemented("send")
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { [] }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {}
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {}
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        GroupMembersPage(channels: [], hasMore: false)
    }
}

import Channels
import ChannelsHTTP
import ChannelsMemory
import ChannelsTesting
import Testing

@Suite("The API over a backend that has nothing but the MUSTs", .timeLimit(.minutes(1)))
struct MustOnlyTests {
    private let clock = ManualClock()

    @Test("A long-poll gets what is sent, and ends at its time")
    func longPoll() async {
        let api = await makeAPI()
        async let answer = api.request("GET", "/receive?channels=a,b&timeout=30")
        await api.untilWaiting(1)
        #expect(await api.request("GET", "/channels/b").json["waiting"] == 1)
        #expect(await api.request("POST", "/channels/b", body: "1").status == 202)
        #expect(await answer.json["message"] == 1)
        async let nothing = api.request("GET", "/receive?channels=a&timeout=30")
        await api.untilWaiting(1)
        while clock.scheduledCount < 2 { await Task.yield() }
        clock.advance(by: .seconds(30))
        #expect(await nothing.status == 204)
    }

    @Test("A long-poll whose client hangs up has taken nothing")
    func cancelled() async {
        let api = await makeAPI()
        let wait = Task { await api.request("GET", "/receive?channels=a&timeout=30") }
        await api.untilWaiting(1)
        wait.cancel()
        #expect(await wait.value.problem == "shutting-down")
        _ = await api.request("POST", "/channels/a", body: "1")
        #expect(await api.request("GET", "/receive?channels=a").json["message"] == 1)
    }

    @Test("A group send reaches each member, and has no id of its own")
    func groupSend() async {
        let api = await makeAPI()
        for name in ["a", "b", "c"] { #expect(await api.request("PUT", "/groups/g/\(name)").status == 204) }
        let sent = await api.request("POST", "/groups/g?exclude=c", body: "1")
        #expect(sent.status == 202 && sent.text == #"{"id":null,"members":2}"#)
        let batch = await api.request(
            "POST", "/batch", body: #"[{"group":"g","message":2},{"channel":"a","message":3}]"#)
        #expect(batch.json["results"]?[0]?["id"] == .null && batch.json["results"]?[0]?["members"] == 3)
        #expect(batch.json["results"]?[1]?["status"] == 202)
        let taken = await api.request("GET", "/receive?channels=a&max=9")
        #expect(taken.json["messages"]?.array?.map { $0["message"] } == [1, 2, 3])
        #expect(await api.request("DELETE", "/groups/g").status == 204)
        #expect(await api.request("GET", "/groups/g").json["channels"]?.array?.isEmpty == true)
    }

    @Test("What it cannot tell is null")
    func nulls() async {
        let api = await makeAPI()
        for path in ["/channels/a", "/stats"] {
            let answer = await api.request("GET", path)
            #expect(answer.status == 200)
            let members = answer.json.object ?? [:]
            #expect(members.count > 5)
            for (name, value) in members where !["channel", "uptime", "waiting"].contains(name) {
                #expect(value == .null, "\(name)")
            }
        }
    }

    @Test("What it cannot do answers 501", arguments: [("POST", "/flush"), ("DELETE", "/channels/a")])
    func notImplemented(method: String, path: String) async {
        let answer = await makeAPI().request(method, path)
        #expect(answer.status == 501 && answer.problem == "not-implemented")
    }

    @Test("It is ready, and its receipts say null")
    func ready() async {
        let api = await makeAPI()
        #expect(await api.request("GET", "/health/ready").status == 200)
        #expect(await api.request("POST", "/channels/a", body: "1").text.hasSuffix(#""pending":null,"capacity":null}"#))
    }

    private func makeAPI() async -> APIDriver {
        await APIDriver(layers: ["default": MustOnly(memory: MemoryBackend(clock: clock, epoch: 1))], clock: clock)
    }
}

/// The five operations of the memory backend, and what it answers that may be nil left out.
struct MustOnly: ChannelBackend {
    let memory: MemoryBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        let receipt = try await memory.send(message, to: channel, options: options)
        return SendReceipt(id: receipt.id, pending: nil, capacity: nil)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await memory.receiveMany(channels, options: options)
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

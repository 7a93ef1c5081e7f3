import Channels
import ChannelsHTTP
import HTTPCore
import Testing

/// The other direction of the contract: what `openapi.yaml` declares for an operation, the server does answer.
@Suite("Each declared status of each operation is one that a client can meet")
struct StatusCoverageTests {
    /// Statuses that belong to what is still to come: tokens.
    static let reserved: Set<Int> = [401]

    @Test("Statuses as declared", arguments: ChannelsApplication.routeTable.map { "\($0.method.rawValue) \($0.path)" })
    func statuses(operation: String) async throws {
        let declared = try #require(Contract.shared.operations[operation]?["responses"]?.object)
        let literal = Set(declared.keys.compactMap(Int.init)).subtracting(Self.reserved)
        let met = await provoked(operation)
        #expect(literal.subtracting(met).isEmpty, "declared, but never met")
    }

    /// The statuses met when this operation is called in all the ways that may end differently.
    private func provoked(_ operation: String) async -> Set<Int> {
        let method = String(operation.prefix { $0 != " " })
        let path = String(operation.dropFirst(method.count + 1))
            .replacing("{layer}", with: "default").replacing("{channel}", with: "a").replacing("{group}", with: "g")
        var met: Set<Int> = []
        var small = LayerSettings()
        small.capacity = 1
        let memory = await APIDriver(layerSettings: small)
        let query = path.hasSuffix("/receive") ? "?channels=a" : ""
        let bodies = ["1", "{}", "[]", #"{"channels":["a"]}"#]
        for _ in 0..<2 {
            for body in bodies where method == "POST" {
                met.insert(await memory.request(method, path + query, body: body).status)
            }
            met.insert(await memory.request(method, path + query).status)
        }
        _ = await memory.request("POST", "/channels/a", body: "1")
        met.insert(await memory.request(method, path + query).status)
        met.insert(await memory.request(method, path + "?unknown=1").status)
        met.insert(await memory.request(method, path + query, [("Origin", "http://elsewhere")]).status)
        if path.hasSuffix("/receive") {
            let bytes = [("Accept", "application/octet-stream")]
            met.insert(await memory.request(method, path + "?channels=a&max=2", bytes).status)
        }
        if method == "POST" {
            met.insert(
                await memory.request(method, path + query, [("Content-Type", "text/plain, x")], body: Array("1".utf8))
                    .status)
            if case .refused(let response) = memory.application.admit(
                APIDriver.head(method, path + query, bodyBytes: 1 << 30))
            {
                met.insert(response.status)
            }
        }
        let elsewhere = path.replacing("/layers/default", with: "/layers/unknown")
        if elsewhere != path { met.insert(await memory.request(method, elsewhere + query).status) }
        for code in [ChannelError.Code.backendUnavailable, .notImplemented, .tooManyGroups, .channelFull] {
            let failing = await APIDriver(layers: ["default": FailingBackend(error: ChannelError(code, "Not now."))])
            met.insert(await failing.request(method, path + query, body: "1").status)
            met.insert(await failing.request(method, path + query).status)
        }
        let withoutDefault = await APIDriver(layers: ["jobs": FailingBackend(error: CancellationError())])
        met.insert(await withoutDefault.request(method, path + query).status)
        return met
    }
}

/// Refuses everything.
struct FailingBackend: ChannelBackend {
    let error: any Error

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        throw error
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { throw error }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws { throw error }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws { throw error }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage { throw error }
    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt { throw error }
    func purge(_ channel: ChannelName) async throws { throw error }
    func removeGroup(_ group: GroupName) async throws { throw error }
    func flush() async throws { throw error }
    func status(of channel: ChannelName) async throws -> ChannelStatus { throw error }
    func stats() async throws -> LayerStats { throw error }
    func checkReadiness() async throws { throw error }
}

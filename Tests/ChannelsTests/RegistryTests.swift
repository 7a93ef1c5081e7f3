import Channels
import Testing

@Suite("The registry of backends")
struct RegistryTests {
    @Test("A layer's own settings win over the options of all")
    func ownSettings() async throws {
        var registry = Self.registry
        var defaults = LayerSettings()
        defaults.capacity = 9
        try await registry.open(
            layer: "jobs", url: "none:x?capacity=5000&expiry=600&colour=red", defaults: defaults, clock: NoClock())
        let layer = try #require(registry[layer: "jobs"])
        #expect(layer.settings.capacity == 5000)
        #expect(layer.settings.expiry == .seconds(600))
        #expect(layer.settings.groupExpiry == defaults.groupExpiry)
        #expect((layer.store as? Nothing)?.parameters == ["colour": "red"])
        #expect(registry[layer: "default"] == nil)
    }

    @Test("An unknown scheme is refused with those that are registered")
    func unknownScheme() async throws {
        var registry = Self.registry
        let error = await #expect(throws: RegistryError.self) {
            try await registry.open(layer: "a", url: "rabbit:x", defaults: LayerSettings(), clock: NoClock())
        }
        #expect(error?.description == "No backend is registered for 'rabbit:' (layer 'a'). Registered: none:, other:.")
    }

    @Test("The same layer twice is refused")
    func twice() async throws {
        var registry = Self.registry
        try await registry.open(layer: "a", url: "none:", defaults: LayerSettings(), clock: NoClock())
        await #expect(throws: RegistryError.self) {
            try await registry.open(layer: "a", url: "none:", defaults: LayerSettings(), clock: NoClock())
        }
    }

    @Test(
        "A setting that is none is refused",
        arguments: [
            "capacity=0", "capacity=x", "capacity=1&capacity=2", "expiry=-1", "group-expiry=1e3", "memory-limit=",
        ])
    func badSetting(query: String) async {
        var registry = Self.registry
        await #expect(throws: RegistryError.self) {
            try await registry.open(layer: "a", url: "none:?" + query, defaults: LayerSettings(), clock: NoClock())
        }
    }

    private static var registry: BackendRegistry {
        var registry = BackendRegistry()
        for scheme in ["none", "other"] { registry.register(scheme) { Nothing(parameters: $0.parameters) } }
        return registry
    }
}

/// A backend with nothing but the MUSTs, and nothing in those.
private struct Nothing: ChannelBackend {
    var parameters: [String: String] = [:]

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        SendReceipt(id: MessageID(epoch: 1, number: 1), pending: nil, capacity: nil)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { [] }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {}
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {}
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        GroupMembersPage(channels: [], hasMore: false)
    }
}

private struct NoClock: ChannelClock {
    struct Never: ScheduledAction { func cancel() {} }
    var now: ContinuousClock.Instant { .now }
    func schedule(at: ContinuousClock.Instant, _: @escaping @Sendable () -> Void) -> any ScheduledAction { Never() }
}

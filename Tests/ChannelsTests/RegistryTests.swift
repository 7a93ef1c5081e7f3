import Channels
import ChannelsTesting
import Synchronization
import Testing

@Suite("The registry of backends", .timeLimit(.minutes(1)))
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

    @Test("All layers are shut down at once, and those that do not end are named when their time is up")
    func shutdown() async throws {
        let (clock, gates) = (ManualClock(), ["a": Gate(), "b": Gate(), "c": Gate()])
        let registry = try await Self.registry(closing: gates, clock: clock)
        let deadline = clock.now + .milliseconds(500)
        let ended = Task { await registry.shutdown(by: deadline, on: clock) }
        while gates.values.contains(where: { !$0.isReached }) || clock.scheduledCount < 1 {
            try Task.checkCancellation()
            await Task.yield()
        }
        gates["b"]?.open()
        clock.advance(by: .milliseconds(499))
        #expect(clock.scheduledCount == 1)
        clock.advance(by: .milliseconds(1))
        // What ends from here on is too late.
        for gate in gates.values { gate.open() }
        #expect(Set(await ended.value).subtracting(["b"]) == ["a", "c"])
    }

    @Test("Where all have ended, nobody waits for the time to be up")
    func shutdownEnds() async throws {
        let (clock, gates) = (ManualClock(), ["a": Gate(), "b": Gate()])
        for gate in gates.values { gate.open() }
        let registry = try await Self.registry(closing: gates, clock: clock)
        #expect(await registry.shutdown(by: clock.now + .seconds(1), on: clock).isEmpty)
        #expect(gates.values.allSatisfy { $0.isReached })
        #expect(clock.scheduledCount == 0)
        #expect(await BackendRegistry().shutdown(by: clock.now + .seconds(1), on: clock).isEmpty)
    }

    /// A layer for each gate, whose shutdown stops there.
    private static func registry(closing gates: [String: Gate], clock: ManualClock) async throws -> BackendRegistry {
        var registry = BackendRegistry()
        registry.register("gated") { Nothing(shutdownGate: gates[$0.layer]) }
        for name in gates.keys {
            try await registry.open(layer: name, url: "gated:", defaults: LayerSettings(), clock: clock)
        }
        return registry
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
    var shutdownGate: Gate?

    func shutdown() async { await shutdownGate?.pass() }

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

/// Where one stops until it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var isReached = false
        var held: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var isReached: Bool { state.withLock(\.isReached) }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.isReached = true
                if !state.isOpen { state.held = continuation }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            return state.held.take()
        }
        held?.resume()
    }
}

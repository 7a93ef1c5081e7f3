import ChannelsTesting
import Testing

@testable import Channels

@Suite("Receivers in wait on a backend whose call does not return", .timeLimit(.minutes(3)))
struct PollerOvertimeTests: PollerWords {
    let clock = ManualClock()
    let store = ScriptedBackend(traits: BackendTraits(givesBack: true, neverBlocks: true))
    let backend: any WaitingChannelBackend

    init() {
        backend = Layer(name: "default", store: store, settings: LayerSettings(), clock: clock).backend
    }

    @Test(
        "Two seconds after its time limit a wait ends with 503; the message goes back", arguments: ["asked", "other"])
    func timeLimit(channel: String) async throws {
        try store.put("1", into: "asked")
        store.holdReceives()
        // Either the call that does not return is for its channel, or it keeps its channel from being asked for.
        let first = receive("asked", for: channel == "asked" ? .seconds(1) : .milliseconds(10))
        try await held(1)
        let wait = channel == "asked" ? first : receive(channel, for: .seconds(1))
        try await waiting(channel == "asked" ? 1 : 2)
        clock.advance(by: .milliseconds(2_999))
        try await waiting(1)
        clock.advance(by: .milliseconds(1))
        let error = await #expect(throws: ChannelError.self) { try await wait.value }
        #expect(error?.code == .outcomeUnknown)
        #expect(try await backend.stats().waiting == 0)
        store.letGo()
        while try store.texts(in: "asked") != ["1"] { try await yield() }
        #expect(clock.scheduledCount == 0)
    }

    @Test("Two seconds after its cancellation a wait ends, also one whose time is up meanwhile")
    func cancellation() async throws {
        store.holdReceives()
        let wait = receive("a", for: .seconds(1))
        try await held(1)
        wait.cancel()
        clock.advance(by: .milliseconds(1_999))
        try await waiting(1)
        clock.advance(by: .milliseconds(1))
        await #expect(throws: CancellationError.self) { try await wait.value }
        store.letGo()
    }

    @Test("What the call brings in the end goes to who waits for it")
    func goesToWhoWaits() async throws {
        try store.put("1", into: "a")
        store.holdReceives()
        let first = receive("a", for: .seconds(1))
        try await held(1)
        let second = receive("a")
        try await waiting(2)
        clock.advance(by: .seconds(3))
        await #expect(throws: ChannelError.self) { try await first.value }
        store.letGo()
        #expect(try await second.value.map(\.text) == ["1"])
    }

    @Test("Where nobody waits for it and nothing can go back, it is counted as lost")
    func lost() async throws {
        let store = ScriptedBackend()
        let backend = PolledBackend(store, clock: clock)
        try store.put("1", into: "a")
        store.holdReceives()
        let deadline = clock.now + .seconds(1)
        let wait = Task {
            try await backend.receiveManyBlocking([ChannelName("a")], options: ReceiveOptions(), until: deadline)
        }
        while store.heldCount < 1 { try await yield() }
        clock.advance(by: .seconds(3))
        await #expect(throws: ChannelError.self) { try await wait.value }
        #expect(try await backend.stats().lost == 0)
        store.letGo()
        while try await backend.stats().lost != 1 { try await yield() }
    }

    @Test("A receiver that has a message and is held up by the call for more ends with what it has")
    func more() async throws {
        for text in ["1", "2"] { try store.put(text, into: "a") }
        store.holdReceives(afterNext: 1)
        let wait = receive("a", max: 10)
        try await held(1)
        clock.advance(by: .seconds(2))
        #expect(try await wait.value.map(\.text) == ["1"])
        store.letGo()
        while try store.texts(in: "a") != ["2"] { try await yield() }
    }

    @Test("So do all waits at a shutdown, although it waits for the call")
    func shutdown() async throws {
        store.holdReceives()
        let wait = receive("a")
        try await held(1)
        let shutdown = Task { [backend] in await backend.shutdown() }
        // The limit of the wait, and that of the shutdown.
        while clock.scheduledCount < 2 { try await yield() }
        clock.advance(by: .seconds(2))
        await #expect(throws: CancellationError.self) { try await wait.value }
        store.letGo()
        await shutdown.value
        #expect(clock.scheduledCount == 0)
    }
}

import ChannelsTesting
import Testing

@testable import Channels

@Suite("Receivers in wait on a backend that cannot wait, amid traffic of others", .timeLimit(.minutes(3)))
struct PollerTrafficTests: PollerWords {
    let clock = ManualClock()
    let store = ScriptedBackend(traits: BackendTraits(givesBack: true, neverBlocks: true))
    let backend: any WaitingChannelBackend

    init() {
        backend = Layer(name: "default", store: store, settings: LayerSettings(), clock: clock).backend
    }

    @Test(
        "A busy channel does not keep the store from being asked for all others, be it time or a group was sent to",
        arguments: [true, false])
    func sweepsHaveTheirTurn(isTime: Bool) async throws {
        let quiet = receive("quiet")
        try await lookedFor(1)
        let busy = try await busyChannel(readers: 100)
        try store.put("1", into: "quiet")
        if isTime {
            clock.advance(by: .milliseconds(250))
        } else {
            _ = try await backend.sendGroup(message("1"), to: GroupName("nobody's"), options: GroupSendOptions())
        }
        let countBefore = store.receives.count
        store.letGo()
        _ = try await quiet.value
        for reader in busy { _ = try await reader.value }
        let next = store.receives[countBefore...].prefix(4)
        #expect(try next.contains { $0.contains(try ChannelName("quiet")) })
    }

    @Test("Who comes amid traffic of others ends in time, and has been asked for")
    func newcomersEndInTime() async throws {
        let busy = try await busyChannel(readers: 100)
        let late = receive("late", for: .milliseconds(300))
        try await waiting(101)
        clock.advance(by: .milliseconds(300))
        #expect(!store.receives.joined().contains(try ChannelName("late")))
        store.letGo()
        #expect(try await late.value.isEmpty)
        for reader in busy { _ = try await reader.value }
        // Once as a newcomer; and perhaps once more among all.
        let count = try store.receives.filter { $0.contains(try ChannelName("late")) }.count
        #expect((1...2).contains(count))
    }

    @Test("Where there is much in some channels, all are asked for nevertheless")
    func pagesHaveTheirTurn() async throws {
        let names = (0..<1500).map { "a\($0)" }
        let waits = names.map { receive($0) }
        try await waiting(1500)
        try await idle()
        for name in names { try store.put("1", into: name) }
        let countBefore = store.receives.count
        clock.advance(by: .milliseconds(250))
        for wait in waits { _ = try await wait.value }
        let begin = store.receives[countBefore...].prefix(2 * PollPlan.repeatsMax)
        #expect(Set(begin.joined().map(\.rawValue)) == Set(names))
    }

    @Test("Group sends one after the other do not keep the store from being asked")
    func groupSendsBackToBack() async throws {
        let poller = try #require(backend as? PolledBackend).poller
        let several = receive("a", max: 10)
        try await lookedFor(1)
        poller.groupSendBegins()
        let countBefore = store.receives.count
        poller.groupSendEnded()
        poller.groupSendBegins()
        try await idle()
        #expect(store.receives.count > countBefore)
        try store.put("1", into: "a")
        poller.groupSendEnded()
        #expect(try await several.value.map(\.text) == ["1"])
    }

    @Test("Where nobody wants several messages, a group send does not keep the store from being asked")
    func noHoldForOne() async throws {
        let poller = try #require(backend as? PolledBackend).poller
        let wait = receive("a")
        try await lookedFor(1)
        let countBefore = store.receives.count
        poller.groupSendBegins()
        poller.ring(try ChannelName("a"))
        try await idle()
        #expect(store.receives.count == countBefore + 1)
        poller.groupSendEnded()
        wait.cancel()
        _ = try? await wait.value
    }

    /// As many receivers wait for one channel, in which there is a message for each. The first call for it is held.
    private func busyChannel(readers count: Int) async throws -> [Task<[Delivery], any Error>] {
        let waitingBefore = try await backend.stats().waiting ?? 0
        store.holdReceives()
        let first = receive("busy")
        try await held(1)
        let others = (1..<count).map { _ in receive("busy") }
        try await waiting(waitingBefore + count)
        for number in 0..<count { try store.put("\(number)", into: "busy") }
        return [first] + others
    }
}

import Channels
import ChannelsMemory
import ChannelsTesting
import Testing

@Suite("The memory backend does all that a backend must, should and may")
struct MemoryConformanceTests {
    @Test("On a clock that is moved by hand", arguments: ConformanceRule.all)
    func movedByHand(_ rule: ConformanceRule) async throws {
        try await expectHolds(rule, time: .movedByHand)
    }

    @Test("In real time", arguments: ConformanceRule.all)
    func realTime(_ rule: ConformanceRule) async throws {
        try await expectHolds(rule, time: .real)
    }

    private func expectHolds(_ rule: ConformanceRule, time: BackendUnderTest.Time) async throws {
        let subject = BackendUnderTest(time: time, tellAbsent: { _, _ in }) { settings, clock in
            MemoryBackend(settings: settings, clock: clock, epoch: 1)
        }
        let outcome = try await rule.check(subject)
        // It answers each send at once: together they would gain nothing.
        if rule.id.hasPrefix("batches.") { #expect(outcome != .holds) } else { #expect(outcome == .holds) }
    }
}

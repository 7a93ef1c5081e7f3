import Channels
import ChannelsMemory
import ChannelsTesting
import Testing

@Suite("The memory backend does all that a backend must, should and may")
struct MemoryConformanceTests {
    @Test("On a clock that is moved by hand", arguments: ConformanceRule.all)
    func movedByHand(_ rule: ConformanceRule) async throws {
        #expect(try await rule.check(memory(time: .movedByHand)) == .holds)
    }

    @Test("In real time", arguments: ConformanceRule.all)
    func realTime(_ rule: ConformanceRule) async throws {
        #expect(try await rule.check(memory(time: .real)) == .holds)
    }

    private func memory(time: BackendUnderTest.Time) -> BackendUnderTest {
        BackendUnderTest(time: time) { settings, clock in MemoryBackend(settings: settings, clock: clock, epoch: 1) }
    }
}

import Channels
import ChannelsTesting
import Testing

@testable import ChannelsRedis

@Suite("The Redis backend does all that a backend must, should and may", .serialized)
struct RedisConformanceTests {
    @Test("On a clock that is moved by hand", arguments: ConformanceRule.all)
    func movedByHand(_ rule: ConformanceRule) async throws {
        try await RedisServer.run { server in
            let subject = BackendUnderTest(time: .movedByHand) { settings, clock in
                try RedisBackend.make(
                    // A busy machine takes its time for 16 MiB.
                    servers: [server], settings: settings, clock: clock, callTimeMax: .seconds(60))
            }
            let outcome = try await rule.check(subject)
            switch rule.id {
            // Redis is full, not the layer; and what goes to a receiver in wait goes through it.
            case "capacity.memory", "mailboxes.straight-to-receiver": break
            default: #expect(outcome == .holds)
            }
        }
    }
}

import Channels
import ChannelsTesting
import Testing

@testable import ChannelsRedis

@Suite("A layer over two Redis", .serialized)
struct ShardsTests {
    @Test("It keeps all rules but those on what is the oldest over all channels", arguments: ConformanceRule.all)
    func rules(_ rule: ConformanceRule) async throws {
        try await RedisServer.run { first in
            try await RedisServer.run { second in
                let subject = BackendUnderTest(time: .movedByHand, ordersAcrossChannels: false) { settings, clock in
                    try RedisBackend.make(
                        servers: [first, second], settings: settings, clock: clock, callTimeMax: .seconds(60))
                }
                let outcome = try await rule.check(subject)
                switch rule.id {
                case "capacity.memory", "mailboxes.straight-to-receiver", "ordering.oldest-first",
                    "waiting.all-copies":
                    break
                default: #expect(outcome == .holds)
                }
            }
        }
    }
}

import Channels
import ChannelsTesting
import Foundation
import Testing

@testable import ChannelsRedis

@Suite("A layer in a Redis Cluster", .serialized)
struct ClusterTests {
    /// One on each of three masters.
    private static let shards = ["shards": "3"]

    @Test("It keeps all rules but those on what is the oldest over all channels")
    func rules() async throws {
        try await RedisCluster.run { cluster in
            for rule in ConformanceRule.all {
                let subject = BackendUnderTest(time: .movedByHand, ordersAcrossChannels: false) { settings, clock in
                    try RedisBackend.make(
                        url: cluster.url, parameters: Self.shards.merging(["prefix": UUID().uuidString]) { $1 },
                        settings: settings, clock: clock, callTimeMax: .seconds(60))
                }
                let outcome = try await rule.check(subject)
                switch rule.id {
                case "capacity.memory", "mailboxes.straight-to-receiver", "ordering.oldest-first",
                    "waiting.all-copies":
                    break
                default: #expect(outcome == .holds, "\(rule.id)")
                }
            }
        }
    }
}

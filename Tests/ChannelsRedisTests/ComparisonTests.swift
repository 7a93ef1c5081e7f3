import Channels
import ChannelsTesting
import Reactor
import Synchronization
import Testing

@testable import ChannelsRedis
@testable import ChannelsReference

@Suite("What anyone can observe of a layer in Redis equals an eager implementation")
struct RedisComparisonTests {
    /// 9 runs of 4,000 operations. A failure names its seed.
    @Test("Random operations give the same answers", arguments: (1...9).map { UInt64($0) })
    func randomOperations(seed: UInt64) async throws {
        try await RedisServer.run { server in
            let time = TestTime()
            let isShort = seed.isMultiple(of: 3)
            let context = try RedisBackend.context(
                servers: [server], prefix: "l", settings: RandomArguments.settings, clock: ManualClock())
            let backend = try RedisBackend.make(
                context, library: isShort ? .shortOfSlice : .onClockInKey, time: { time.microseconds })
            let failure = try await OwnThread.run {
                let layer = ComparedShard(core: backend.core, time: time, isShortOfSlice: isShort)
                var comparison = Comparison(of: layer, seed: seed)
                comparison.perform(4000)
                if comparison.failure == nil { comparison.finish() }
                return comparison.failure
            }
            if let failure { Issue.record("\(failure)") }
            await backend.shutdown()
        }
    }
}

/// What Redis's clock says, as the test sets it.
final class TestTime: Sendable {
    private let now = Mutex<Int64>(1_800_000_000_000_000)

    var microseconds: Int64 { now.withLock { $0 } }

    /// That has passed since the beginning.
    func set(_ passed: Duration) {
        let (seconds, attoseconds) = passed.components
        now.withLock { $0 = 1_800_000_000_000_000 + seconds * 1_000_000 + attoseconds / 1_000_000_000_000 }
    }
}

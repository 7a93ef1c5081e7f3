import Foundation
import HTTPClient
import Testing

extension Harness {
    /// `make soak MESSAGES=1000000` says how many.
    @Suite("Three servers on one Redis")
    struct SeveralLaurelsTests {
        private static let messagesCount =
            ProcessInfo.processInfo.environment["SOAK_MESSAGES"].flatMap { Int($0) } ?? 13_000

        @Test("Nothing is lost, comes twice or out of order, whoever joins, leaves or hangs up in its wait")
        func undisturbed() async throws {
            let report = try await RedisProcess.run { redis in
                try await LaurelProcess.run(3, backend: redis.url + SoakRun.settings) { servers in
                    try await SoakRun(messagesCount: Self.messagesCount).report(on: servers)
                }
            }
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.refusedCount == 0 && report.openCount == 0, "\(report)")
            #expect(report.takenCount > Self.messagesCount / 2 && report.copiesCount > 0 && report.hangUpsCount > 0)
        }

        @Test("The same while Redis is killed ten times and comes back empty: what is lost was in it, or is counted")
        func restartsEmpty() async throws {
            let report = try await RedisProcess.run { redis in
                try await LaurelProcess.run(3, backend: redis.url + SoakRun.settings) { servers in
                    try await SoakRun(messagesCount: Self.messagesCount, faults: .everything)
                        .report(on: servers) { try await Self.outages(10, of: redis, in: $0) }
                }
            }
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.takenCount > Self.messagesCount / 4)
        }

        @Test("The same with a Redis that keeps what it has: what is lost is counted, and nothing else")
        func restarts() async throws {
            let report = try await RedisProcess.run(keeping: .everyCommand) { redis in
                try await LaurelProcess.run(3, backend: redis.url + SoakRun.settings) { servers in
                    try await SoakRun(messagesCount: Self.messagesCount, faults: .answers)
                        .report(on: servers) { soak in
                            _ = try await Self.outages(10, of: redis, in: soak)
                            // Nothing is gone with it.
                            return []
                        }
                }
            }
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.takenCount > Self.messagesCount / 2)
        }

        /// Kills Redis and starts it again, each time when an equal part of the messages was sent.
        private static func outages(
            _ count: Int, of redis: RedisProcess, in soak: Soak
        ) async throws -> [SoakHistory.Outage] {
            var outages: [SoakHistory.Outage] = []
            for number in 0..<count {
                while soak.progress < (number + 1) * soak.messagesCount / (count + 1) {
                    // Looks again: the clients, on threads of their own, tell nobody how far they are. Nothing depends on
                    // when exactly an outage begins.
                    try await Task.sleep(for: .milliseconds(5))
                }
                let began = ContinuousClock.now
                await redis.kill()
                outages.append(.init(began: began, over: .now))
                try await redis.start()
            }
            return outages
        }
    }
}

extension LaurelProcess {
    /// Starts so many servers on one backend.
    static func run<Result>(
        _ count: Int, backend: String, _ body: ([LaurelProcess]) async throws -> Result
    ) async throws -> Result {
        func start(_ servers: [LaurelProcess]) async throws -> Result {
            guard servers.count < count else { return try await body(servers) }
            return try await run(["--backend", backend]) { try await start(servers + [$0]) }
        }
        return try await start([])
    }
}

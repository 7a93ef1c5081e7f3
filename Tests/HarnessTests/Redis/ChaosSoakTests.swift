import Foundation
import HTTPClient
import Testing

extension Harness {
    /// `CHAOS_MESSAGES` says how many; `CHAOS_SEED` and `SOAK_SEED`, as printed, repeat a run as far as timing allows.
    @Suite("Three servers and a bad network before their Redis")
    struct ChaosSoakTests {
        private static let messagesCount =
            ProcessInfo.processInfo.environment["CHAOS_MESSAGES"].flatMap { Int($0) } ?? 3000

        @Test("All works where each byte comes on its own, and late")
        func split() async throws {
            // A byte is a system call here, and wakes somebody.
            let messagesCount = max(120, Self.messagesCount / 100)
            let report = try await RedisProcess.run { redis in
                try await ChaosProxy.run(to: redis) { proxy in
                    proxy.behave {
                        $0.pieceBytesMax = 1
                        $0.delays = [.toRedis: .milliseconds(1), .toLaurel: .milliseconds(1)]
                    }
                    return try await LaurelProcess.run(3, backend: proxy.url + SoakRun.settings) { servers in
                        try await SoakRun(messagesCount: messagesCount, sendersCount: 8).report(on: servers)
                    }
                }
            }
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.refusedCount == 0 && report.openCount == 0 && report.knownInAnswers == 0, "\(report)")
            #expect(report.takenCount > messagesCount / 2 && report.copiesCount > 0)
        }

        @Test("Where connections are cut anywhere nothing comes twice or out of order, and exactly what is lost counts")
        func cuts() async throws {
            let report = try await RedisProcess.run { redis in
                try await ChaosProxy.run(to: redis) { proxy in
                    let report = try await LaurelProcess.run(3, backend: proxy.url + SoakRun.settings) { servers in
                        for server in servers { try await server.untilReady() }
                        proxy.behave {
                            $0.lifeBytesMax = 200_000
                            $0.pieceBytesMax = 4000
                        }
                        return try await SoakRun(messagesCount: Self.messagesCount, faults: .answers)
                            .report(on: servers, rest: { try proxy.recover() })
                    }
                    print("\(proxy.cutCount) cuts")
                    #expect(proxy.cutCount > Self.messagesCount / 200)
                    return report
                }
            }
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.takenCount > Self.messagesCount / 2 && report.copiesCount > 0)
            #expect(report.openCount > 0, "cuts in the midst of sends")
        }
    }
}

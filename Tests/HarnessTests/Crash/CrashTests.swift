import Foundation
import Testing

extension Harness {
    @Suite("Crashes of the server")
    struct CrashTests {
        /// `make crash ROUNDS=200 SEED=1` says how many, and of which seed.
        private static let roundsCount = number("CRASH_ROUNDS") ?? 20
        private static let seed = number("CRASH_SEED").map { UInt64($0) } ?? .random(in: 0..<1_000_000_000)

        private static func number(_ variable: String) -> Int? {
            ProcessInfo.processInfo.environment[variable].flatMap { Int($0) }
        }

        @Test(
            "After kill -9 at any moment nothing acknowledged is lost, nothing comes twice, order and members are kept")
        func kills() async throws {
            let run = CrashRun(seed: Self.seed)
            // Now and then one ends in order, as what a file is left with then is another thing.
            for number in 0..<Self.roundsCount {
                try await run.round(number, signal: number % 8 == 7 ? SIGTERM : SIGKILL)
            }
            try await judge(run, rounds: Self.roundsCount)
        }

        @Test("The same where each commit waits for the disk")
        func killsWithFullSynchronous() async throws {
            let run = CrashRun(seed: Self.seed, synchronous: "full")
            for number in 0..<3 { try await run.round(number) }
            try await judge(run, rounds: 3)
        }

        private func judge(_ run: CrashRun, rounds: Int) async throws {
            let report = try await run.conclude()
            print(
                """
                seed \(run.seed), \(rounds) rounds, \(run.recorder.history.requests.count) requests: \
                \(report.acknowledgedCount) sends acknowledged, \(report.deliveredCount) deliveries, \
                \(report.openCount) requests without an answer; of \(report.takenInFlightMax) messages \
                that receives among these could have taken, \(report.takenInFlightCount) are gone
                """)
            #expect(report.violations.isEmpty, "seed \(run.seed): \(report.violations.prefix(20))")
            #expect(report.acknowledgedCount > rounds && report.deliveredCount > rounds)
        }
    }
}

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

        @Test("The same where each commit waits for the disk, which is slow: most are killed in the middle of one")
        func killsInCommits() async throws {
            let run = CrashRun(seed: Self.seed, synchronous: "full")
            let faults = KernelFaults("fdatasync:delay_enter=\(Self.diskDelayMicroseconds)")
            for number in 0..<4 { try await run.round(number, answersMax: 100, faults: faults) }
            #expect(faults.injectedCount > 0)
            try await judge(run, rounds: 4)
        }

        private static let diskDelayMicroseconds = 5000

        private func judge(_ run: CrashRun, rounds: Int) async throws {
            let report = try await run.conclude()
            print("seed \(run.seed), \(rounds) rounds, \(report)")
            #expect(report.violations.isEmpty, "seed \(run.seed): \(report)")
            #expect(report.acknowledgedCount > rounds && report.deliveredCount > rounds)
        }
    }
}

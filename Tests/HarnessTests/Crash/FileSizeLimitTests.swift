import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A file that may not grow")
    struct FileSizeLimitTests {
        private static let limitBytes = 1 << 20
        private static let contentBytes = 10_000

        @Test("Sends are refused where there is no room, all that was accepted stays, and with room it goes on")
        func limit() async throws {
            let run = CrashRun(seed: 0)
            // With the error comes SIGXFSZ, which ends a process unless it is ignored, or blocked by the thread that writes. What
            // starts the tests may ignore it, and that is inherited: here it is not to help.
            try await LaurelProcess.run(run.arguments, under: ["env", "--default-signal=XFSZ"]) { server in
                try await setLimit(of: server, "\(Self.limitBytes)")
                var client = CrashClient(.sender, name: "limited", server: server, recorder: run.recorder, seed: 0)
                // Now and then what is in the log moves into the file, which makes room: until that too is at its limit.
                var (acceptedCount, refusedInRow) = (0, 0)
                while refusedInRow < 5 {
                    let outcome = await client.send(to: "plain", padding: Self.contentBytes)
                    try #require(outcome == .refused || outcome?.isAccepted == true)
                    refusedInRow = outcome == .refused ? refusedInRow + 1 : 0
                    acceptedCount += outcome?.isAccepted == true ? 1 : 0
                    try #require(acceptedCount * Self.contentBytes < 3 * Self.limitBytes, "the limit does not hold")
                }
                #expect(acceptedCount > 50)
                #expect(try await server.call("GET", "/health/ready").status == 503)
                try await setLimit(of: server, "unlimited")
                try await server.eventually("ready again") {
                    try await server.call("GET", "/health/ready").status == 200
                }
                #expect(await client.send(to: "plain", padding: Self.contentBytes)?.isAccepted == true)
                server.signal(SIGKILL)
                #expect(await server.exitStatus() == 128 + SIGKILL)
            }
            run.recorder.endRound()
            #expect(try await run.integrity() == "ok")
            let report = try await run.conclude()
            #expect(report.violations.isEmpty, "\(report)")
            #expect(report.takenInFlightCount == 0)
        }

        /// Sets how large the files of the running server may be, in bytes.
        private func setLimit(of server: LaurelProcess, _ bytes: String) async throws {
            let result = try await ChildProcess.run("prlimit", ["--pid", "\(server.pid)", "--fsize=\(bytes):"])
            #expect(result.exitStatus == 0, "\(result.errors)")
        }
    }
}

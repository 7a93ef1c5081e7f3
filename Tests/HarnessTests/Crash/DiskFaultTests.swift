import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Faults of the disk")
    struct DiskFaultTests {
        @Test(
            "While a system call fails sends are refused and readiness says so; when it works again, all goes on",
            arguments: [
                ("fdatasync:error=EIO:when=10+", SIGTERM), ("fdatasync:error=EIO:when=10+", SIGKILL),
                ("pwrite64:error=EIO:when=60+", SIGTERM), ("pwrite64:error=EIO:when=60+", SIGKILL),
                ("pwrite64:error=ENOSPC:when=60+", SIGTERM), ("pwrite64:error=ENOSPC:when=60+", SIGKILL),
            ])
        func lasting(fault: String, signal: Int32) async throws {
            let run = try await startedRun()
            let faults = KernelFaults(fault)
            try await LaurelProcess.run(run.arguments, under: faults.command) { server in
                await run.runClients(on: server, round: 1, answersCount: 300)
                try await expectFailing(server, run)
                try await faults.end(for: server)
                try await expectWorking(server, run)
                await run.runClients(on: server, round: 2, answersCount: 100)
                server.signal(signal)
                #expect(await server.exitStatus() == (signal == SIGKILL ? 128 + SIGKILL : 0))
            }
            #expect(faults.injectedCount > 0)
            try await judge(run)
        }

        @Test(
            "A server that ends while a system call fails has lost nothing",
            arguments: [
                ("fdatasync:error=EIO:when=10+", SIGTERM), ("fdatasync:error=EIO:when=10+", SIGKILL),
                ("pwrite64:error=EIO:when=60+", SIGTERM), ("pwrite64:error=EIO:when=60+", SIGKILL),
                ("pwrite64:error=ENOSPC:when=60+", SIGTERM), ("pwrite64:error=ENOSPC:when=60+", SIGKILL),
            ])
        func ends(fault: String, signal: Int32) async throws {
            let run = try await startedRun()
            let faults = KernelFaults(fault)
            try await LaurelProcess.run(run.arguments, under: faults.command) { server in
                await run.runClients(on: server, round: 1, answersCount: 300)
                try await expectFailing(server, run)
                server.signal(signal)
                #expect(await server.exitStatus() == (signal == SIGKILL ? 128 + SIGKILL : 0))
            }
            #expect(faults.injectedCount > 0)
            try await judge(run)
        }

        @Test(
            "Calls that fail now and then lose nothing that was acknowledged",
            arguments: [
                "fdatasync:error=EIO:when=10+4", "pwrite64:error=EIO:when=60+17", "pwrite64:error=ENOSPC:when=60+17",
            ])
        func passing(fault: String) async throws {
            let run = try await startedRun()
            let faults = KernelFaults(fault)
            try await LaurelProcess.run(run.arguments, under: faults.command) { server in
                await run.runClients(on: server, round: 1, answersCount: 600)
                server.signal(SIGKILL)
                #expect(await server.exitStatus() == 128 + SIGKILL)
            }
            #expect(faults.injectedCount > 3)
            try await judge(run)
        }

        @Test(
            "Moving the log into the file, which fails, refuses nothing and loses nothing",
            arguments: [SIGTERM, SIGKILL])
        func checkpoints(signal: Int32) async throws {
            let run = CrashRun(seed: .random(in: 0..<1_000_000_000))
            try await run.round(0, signal: SIGTERM)
            // With `synchronous=normal` only that makes the file, not its log, wait for the disk.
            let faults = KernelFaults("fdatasync:error=EIO", path: run.file)
            try await LaurelProcess.run(run.arguments, under: faults.command) { server in
                var client = client(server, run, name: "large")
                // Until it has failed, and after that.
                for count in 1...Self.commitsPerCheckpointMax {
                    #expect(await client.send(to: "plain", padding: 0)?.isAccepted == true)
                    if count.isMultiple(of: 100), faults.injectedCount > 1 { break }
                }
                #expect(faults.injectedCount > 0)
                server.signal(signal)
                #expect(await server.exitStatus() == (signal == SIGKILL ? 128 + SIGKILL : 0))
            }
            try await judge(run)
        }

        /// The log moves when it has 4096 pages, and a send of its own writes some of them.
        private static let commitsPerCheckpointMax = 4096

        // MARK: Steps

        /// After one round without faults: opening a new file is not what is to fail here.
        private func startedRun() async throws -> CrashRun {
            let run = CrashRun(seed: .random(in: 0..<1_000_000_000), synchronous: "full")
            try await run.round(0, signal: SIGTERM)
            return run
        }

        private func client(_ server: LaurelProcess, _ run: CrashRun, name: String) -> CrashClient {
            CrashClient(.sender, name: name, server: server, recorder: run.recorder, seed: 0)
        }

        private func expectFailing(_ server: LaurelProcess, _ run: CrashRun) async throws {
            var client = client(server, run, name: "failing")
            for _ in 0..<3 {
                let outcome = await client.send(to: "plain")
                #expect(outcome == .refused || outcome == .open)
            }
            // What it took it could not store: it must not be delivered.
            let received = await client.receive(["plain"], timeout: 0, max: 5)
            #expect(received == .refused || received == .open || received == .delivered([]))
            let readiness = try await server.call("GET", "/health/ready")
            #expect(readiness.status == 503)
            #expect(readiness.problem == "backend-unavailable")
            #expect(try await server.call("GET", "/health/live").status == 200)
        }

        private func expectWorking(_ server: LaurelProcess, _ run: CrashRun) async throws {
            try await server.eventually("ready again") {
                try await server.call("GET", "/health/ready").status == 200
            }
            var client = client(server, run, name: "working")
            #expect(await client.send(to: "plain")?.isAccepted == true)
        }

        private func judge(_ run: CrashRun) async throws {
            run.recorder.endRound()
            #expect(try await run.integrity() == "ok")
            let report = try await run.conclude()
            print("seed \(run.seed): \(report)")
            #expect(report.violations.isEmpty, "seed \(run.seed): \(report)")
        }
    }
}

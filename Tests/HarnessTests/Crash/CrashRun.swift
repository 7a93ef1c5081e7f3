import Foundation
import HTTPClient
import Testing

@testable import ChannelsReference

/// Rounds of a workload on one file. Each has a server of its own, which ends in the middle of it.
final class CrashRun: Sendable {
    let seed: UInt64
    let file: String
    let recorder = Recorder()
    private let synchronous: String

    init(seed: UInt64, synchronous: String = "normal") {
        self.seed = seed
        self.synchronous = synchronous
        file = FileManager.default.temporaryDirectory.appending(path: "laurel-\(UUID().uuidString).db").path()
    }

    deinit {
        for suffix in ["", "-wal", "-shm", "-journal"] { try? FileManager.default.removeItem(atPath: file + suffix) }
    }

    /// Nothing expires, and only one channel can be full.
    var arguments: [String] {
        let narrow = CrashClient.narrowChannel
        return [
            // All in the URL: a layer's own capacity goes before patterns for all layers.
            "--backend",
            "sqlite:\(file)?synchronous=\(synchronous)&capacity=1000000&expiry=86400&group-expiry=86400"
                + "&channel-capacity=\(narrow.name)=\(narrow.capacity)",
        ]
    }

    /// One life of the server, which gets `signal` right after a random number of answers, at most `answersMax`.
    func round(
        _ number: Int, signal: Int32 = SIGKILL, answersMax: Int = 300, faults: KernelFaults? = nil
    ) async throws {
        var random = SplitMix(state: seed &+ UInt64(number) << 32)
        let answersCount = 10 + random.below(answersMax - 10)
        try await LaurelProcess.run(arguments, under: faults?.command ?? []) { server in
            try await audit(server, number)
            await runClients(on: server, round: number, answersCount: answersCount) { server.signal(signal) }
            #expect(await server.exitStatus() == (signal == SIGKILL ? 128 + SIGKILL : 0))
        }
        recorder.endRound()
    }

    /// All of them, until they have got so many answers, when `onLastAnswer` is called, or the server is gone.
    func runClients(
        on server: LaurelProcess, round: Int, answersCount: Int, onLastAnswer: @escaping @Sendable () -> Void = {}
    ) async {
        recorder.beginRound(answersCount: answersCount, onLastAnswer: onLastAnswer)
        await withTaskGroup { group in
            for (index, role) in CrashClient.roles.enumerated() {
                let seed = seed &+ UInt64(round) << 32 &+ UInt64(index + 1) << 16
                group.addTask { [recorder] in
                    var client = CrashClient(
                        role, name: "r\(round)c\(index)", server: server, recorder: recorder, seed: seed)
                    await client.run()
                }
            }
        }
    }

    /// What the server says when nobody else asks: what became of all memberships, and that it could serve.
    func audit(_ server: LaurelProcess, _ round: Int) async throws {
        let auditor = CrashClient(.sender, name: "audit\(round)", server: server, recorder: recorder, seed: 0)
        for group in CrashClient.groups { await auditor.look(.group(group)) }
        for channel in CrashClient.ownedChannels { await auditor.look(.channel(channel)) }
        #expect(try await server.call("GET", "/health/ready").status == 200)
    }

    /// What SQLite says of the file, which no server has open.
    func integrity() async throws -> String {
        let script = """
            import sqlite3, sys
            for row in sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check"): print(row[0])
            """
        let (status, output, errors) = try await ChildProcess.run("python3", ["-c", script, file])
        return status == 0 ? output.trimmingCharacters(in: .newlines) : errors
    }

    /// The last life: drains all channels, checks that the sums are right, ends in order, and has the history judged.
    func conclude() async throws -> HistoryReport {
        try await LaurelProcess.run(arguments) { server in
            try await audit(server, -1)
            let drain = CrashClient(.sender, name: "drain", server: server, recorder: recorder, seed: 0)
            // Each receive takes a thousand, so this is more than enough: should there be no end, the counts tell.
            for _ in 0..<recorder.history.requests.count / 100 + 10 {
                guard case .delivered(let list)? = await drain.receive(CrashClient.channels, timeout: 0, max: 1000),
                    !list.isEmpty
                else { break }
            }
            for channel in ["plain", "busy", "narrow", "box!", "own1", "own2", "post!"] {
                let counts: Counts = try await server.call("GET", "/channels/\(channel)").decoded()
                #expect(counts.isExact && counts.pending == 0, "\(channel): \(counts)")
            }
            let counts: Counts = try await server.call("GET", "/stats").decoded()
            #expect(counts.isExact && counts.pending == 0, "\(counts)")
            server.signal(SIGTERM)
            #expect(await server.exitStatus() == 0)
        }
        recorder.endRound()
        #expect(recorder.surprises == [])
        return HistoryChecker.report(on: recorder.history)
    }
}

/// What became of all that was sent.
private struct Counts: Decodable {
    let sent: Int
    let delivered: Int
    let expired: Int
    let purged: Int
    let pending: Int

    var isExact: Bool { sent == delivered + expired + purged + pending }
}

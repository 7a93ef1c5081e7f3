import Foundation
import Testing

extension Harness {
    @Suite("Durability")
    struct DurabilityTests {
        @Test("A kill -9 under load loses no acknowledged send, and delivers none twice")
        func kill() async throws {
            let file = FileManager.default.temporaryDirectory.appending(path: "laurel-\(UUID().uuidString).db").path()
            defer { for suffix in ["", "-wal"] { try? FileManager.default.removeItem(atPath: file + suffix) } }
            let arguments = ["--backend", "sqlite:\(file)?capacity=1000000"]
            var acknowledged: Set<String> = []
            for _ in 0..<3 {
                acknowledged.formUnion(
                    try await LaurelProcess.run(arguments) { server in
                        try await withThrowingTaskGroup(of: [String].self) { group in
                            for sender in 0..<8 { group.addTask { await sendUntilKilled(sender, server) } }
                            try await server.eventually("some were sent") {
                                try await server.status(of: "a").pending > acknowledged.count + 200
                            }
                            server.signal(SIGKILL)
                            return try await group.reduce(into: []) { $0 += $1 }
                        }
                    })
            }
            #expect(acknowledged.count > 600)
            try await LaurelProcess.run(arguments) { server in
                var received: [String] = []
                while let delivery = try await server.receive("a") { received.append(delivery.id) }
                #expect(Set(received).count == received.count)
                #expect(acknowledged.isSubset(of: received))
                server.signal(SIGTERM)
                #expect(await server.exitStatus() == 0)
            }
        }

        /// The ids that were acknowledged.
        private func sendUntilKilled(_ sender: Int, _ server: LaurelProcess) async -> [String] {
            var ids: [String] = []
            while let answer = try? await server.send("\(sender * 1_000_000 + ids.count)", to: "a") {
                ids.append(answer.id)
            }
            return ids
        }
    }
}

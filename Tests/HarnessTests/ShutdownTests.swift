import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Shutdown")
    struct ShutdownTests {
        @Test(
            "SIGTERM and SIGINT answer every receiver in wait with 503 and end the process with 0 within five seconds",
            arguments: [SIGTERM, SIGINT])
        func parkedPolls(signal: Int32) async throws {
            try await LaurelProcess.run { server in
                let pollsCount = 1000
                try await withThrowingTaskGroup(of: HTTPClientResponse.self) { group in
                    for _ in 0..<pollsCount {
                        group.addTask { try await server.call("GET", "/receive?channels=x&timeout=60") }
                    }
                    try await server.waitUntilParked(pollsCount, on: "x")
                    let duration = try await ContinuousClock().measure {
                        server.signal(signal)
                        for try await response in group {
                            #expect(response.status == 503)
                            #expect(response.problem == "shutting-down")
                            #expect(response["Retry-After"] != nil)
                        }
                        #expect(await server.exitStatus() == 0)
                    }
                    #expect(duration < .seconds(5))
                    print("\(pollsCount) receivers in wait told, and ended, in \(duration)")
                }
            }
        }

        @Test("A second signal ends the process at once")
        func secondSignal() async throws {
            try await LaurelProcess.run { server in
                // A content that never comes keeps the drain busy.
                let socket = try RawSocket(port: server.port)
                try socket.write(
                    "POST /channels/a HTTP/1.1\r\nHost: l\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
                #expect(try socket.readResponse().status == 100)
                server.signal(SIGTERM)
                try await server.waitForErrorLine("shutting down")
                server.signal(SIGINT)
                #expect(await server.exitStatus() == 128 + SIGINT)
            }
        }

        @Test("A request in flight is still answered")
        func inFlight() async throws {
            try await LaurelProcess.run { server in
                let socket = try RawSocket(port: server.port)
                try socket.write(
                    "POST /channels/a HTTP/1.1\r\nHost: l\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
                #expect(try socket.readResponse().status == 100)
                server.signal(SIGTERM)
                try await server.waitForErrorLine("shutting down")
                try socket.write("[1,2,3,4]")
                #expect(try socket.readResponse().status == 202)
                #expect(await server.exitStatus() == 0)
            }
        }

        // How long it takes is asserted generously: a busy machine may be late. What counts is that it ends, and well.
        @Test(
            "Backends that hang in their calls and their shutdown hold up neither the end nor each other; they are named"
        )
        func stuckBackends() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
            defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
            let layers = ["default=sqlite:\(path)", "a=stuck:", "b=stuck:"].flatMap { ["--layer", $0] }
            // What hangs for ever is not freed: no leak of interest where a sanitizer looks for them.
            let environment = ["ASAN_OPTIONS": "detect_leaks=0"]
            try await LaurelProcess.run(layers, environment: environment, executable: Self.stuckExecutable) { server in
                try await server.send("1", to: "x")
                let socket = try RawSocket(port: server.port)
                try socket.write("GET /layers/a/receive?channels=x HTTP/1.1\r\nHost: l\r\n\r\n")
                try await server.waitForErrorLine("stuck in receive")
                let sent = try await server.call("POST", "/layers/b/channels/x", "1")
                #expect(sent.problem == "outcome-unknown")
                let duration = await ContinuousClock().measure {
                    server.signal(SIGTERM)
                    let status = await server.exitStatus()
                    #expect(status == 0, "\(server.errorText)")
                }
                print("ended beside backends that hang in \(duration)")
                #expect(duration < .seconds(10))
                let unended = server.errorText.split(separator: "\n").filter { $0.contains("takes too long") }
                #expect(unended.count == 2)
                #expect(unended.allSatisfy { $0.contains("layer=a") || $0.contains("layer=b") })
                #expect(server.errorText.contains("bye"))
                // The file was closed as after any shutdown: its log is in it.
                #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
            }
        }

        @Test("Nor does one that says it never blocks, and has all loops blocked")
        func stuckLoops() async throws {
            try await LaurelProcess.run(
                ["--backend", "stuck:on-loops", "--loops", "1"], executable: Self.stuckExecutable
            ) { server in
                let socket = try RawSocket(port: server.port)
                try socket.write("POST /channels/x HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\n\r\n1")
                try await server.waitForErrorLine("stuck in send")
                let duration = await ContinuousClock().measure {
                    server.signal(SIGTERM)
                    #expect(await server.exitStatus() == 0)
                }
                print("ended with its loop blocked in \(duration)")
                #expect(duration < .seconds(10))
            }
        }

        private static let stuckExecutable = LaurelProcess.builtExecutable("stuck-laurel")
    }
}

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
    }
}

import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A Redis that loads what it has")
    struct RedisLoadingTests {
        @Test(
            "While Redis loads, sends get 503 in time, readiness and the log say so; who waits is served when it has loaded"
        )
        func loading() async throws {
            // Answers between keys.
            let arguments = ["--loading-process-events-interval-bytes", "1024"]
            try await RedisProcess.run(arguments, keeping: .snapshots) { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { server in
                    try await server.untilReady()
                    async let parked = server.receive("x", timeout: 120)
                    try await server.waitUntilParked(1, on: "x")
                    try await server.send(#""before""#, to: "other")
                    try await redis.command("EVAL", "for i = 1, 5000 do redis.call('SET', 'k' .. i, 'v') end", "0")
                    try await redis.command("SAVE")
                    await redis.kill()
                    // Microseconds a key: five seconds in all.
                    try redis.begin(["--key-load-delay", "1000"])

                    // One that comes meanwhile says at once why it is not ready.
                    let doubtful = try await LaurelProcess.run(["--backend", redis.url]) { late in
                        try await late.waitForErrorLine("LOADING Redis is loading")
                        let doubtful = try await server.expectRefused(turns: 1, "loading")
                        #expect(try await redis.isLoading, "it was loading all the time")

                        try await redis.untilStarted()
                        try await late.untilReady()
                        try await late.waitForErrorLine("works again")
                        let lines = late.errorText.split(separator: "\n").filter { $0.contains("redis 127.0.0.1") }
                        #expect(lines.count == 2, "\(late.errorText)")
                        #expect(try await late.receive("other")?.message == "before")
                        return doubtful
                    }
                    try await server.untilReady()
                    try await server.send(#""after""#, to: "x")
                    let message = try #require(try await parked).message.description
                    #expect(message == "after", "\(doubtful)")
                    try await server.waitForErrorLine("works again")
                }
            }
        }
    }
}

extension RedisProcess {
    /// Whether it says so.
    fileprivate var isLoading: Bool {
        get async throws { try await command("INFO", "persistence").contains("loading:1") }
    }
}

import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Faults of Redis")
    struct RedisFaultTests {
        /// What a Redis does to a server that was fine, and how it ends.
        enum Fault: CaseIterable, CustomTestStringConvertible {
            case killed, frozen, outOfMemory, readOnly

            func begin(_ redis: RedisProcess) async throws {
                switch self {
                case .killed: await redis.kill()
                case .frozen: redis.freeze()
                case .outOfMemory: try await redis.command("CONFIG", "SET", "maxmemory", "1")
                case .readOnly:
                    // Nobody is there: it keeps what it has, and waits.
                    try await redis.command("REPLICAOF", "127.0.0.1", "1")
                }
            }

            func end(_ redis: RedisProcess) async throws {
                switch self {
                case .killed: try await redis.start()
                case .frozen: redis.thaw()
                case .outOfMemory: try await redis.command("CONFIG", "SET", "maxmemory", "0")
                case .readOnly: try await redis.command("REPLICAOF", "NO", "ONE")
                }
            }

            /// What sends may be told meanwhile, all 503.
            var problems: Set<String> {
                switch self {
                // Of what was written when it went nobody knows what became.
                case .killed, .frozen: ["backend-unavailable", "outcome-unknown"]
                case .outOfMemory: ["layer-full"]
                case .readOnly: ["backend-unavailable"]
                }
            }

            /// What the line holds that tells of it.
            var reason: String {
                switch self {
                case .killed: "redis 127.0.0.1"
                case .frozen: "no answer in time"
                case .outOfMemory: "OOM"
                case .readOnly: "READONLY"
                }
            }

            var testDescription: String { "\(self)" }
        }

        @Test(
            "While Redis fails sends get 503 within two seconds and readiness says so; who waits is served when it works again",
            arguments: Fault.allCases)
        func passing(_ fault: Fault) async throws {
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { server in
                    try await server.eventually("ready") { try await server.readiness == 200 }
                    async let parked = server.receive("x", timeout: 120)
                    try await server.waitUntilParked(1, on: "x")
                    try await server.send(#""before""#, to: "other")

                    try await fault.begin(redis)
                    let doubtful = try await server.expectRefused(fault.problems, turns: 3, "\(fault)")
                    if fault == .outOfMemory {
                        #expect(try await server.receive("other")?.message == "before", "receiving goes on")
                    }
                    try await server.waitForErrorLine(fault.reason)
                    try await fault.end(redis)

                    try await server.eventually("ready again") { try await server.readiness == 200 }
                    try await server.send(#""after""#, to: "x")
                    let message = try #require(try await parked).message.description
                    #expect(message == "after" || doubtful.contains(message))
                    try await server.waitForErrorLine("works again")
                    #expect(try await server.status(of: "x").waiting == 0)
                    switch fault {
                    case .killed: #expect(try await server.receive("other") == nil, "it came back empty")
                    case .frozen, .readOnly: #expect(try await server.receive("other")?.message == "before")
                    case .outOfMemory: break
                    }
                }
            }
        }

        @Test("When Redis loses its functions, nobody notices")
        func functionsFlushed() async throws {
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { server in
                    for round in 0..<20 {
                        async let parked = server.receive("x", timeout: 60)
                        try await server.waitUntilParked(1, on: "x")
                        try await redis.command("FUNCTION", "FLUSH")
                        async let others: Void = withThrowingTaskGroup(of: Void.self) { group in
                            for number in 0..<10 { group.addTask { try await server.send("\(number)", to: "y") } }
                            try await group.waitForAll()
                        }
                        try await server.send("\(round)", to: "x")
                        #expect(try await parked?.message.description == "\(round)")
                        try await others
                        #expect(try await server.readiness == 200)
                        for _ in 0..<10 { #expect(try await server.receive("y") != nil) }
                    }
                }
            }
        }
    }
}

extension LaurelProcess {
    /// The status of `/health/ready`.
    fileprivate var readiness: Int {
        get async throws { try await call("GET", "/health/ready").status }
    }
}

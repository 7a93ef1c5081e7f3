import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Hang-ups while Redis is asked")
    struct RedisHangUpTests {
        /// What a receiver has asked for, and how it leaves before Redis has answered.
        struct Leaving: CustomTestStringConvertible, Sendable {
            let query: String
            let isReset: Bool

            var testDescription: String { "\(query), \(isReset ? "RST" : "FIN")" }
        }

        @Test(
            "A receiver that hangs up before Redis has answered takes nothing, be it the first question of its wait or its only one",
            arguments: [
                Leaving(query: "channels=x&timeout=60", isReset: false),
                Leaving(query: "channels=x&timeout=60", isReset: true),
                Leaving(query: "channels=x&timeout=60&max=9", isReset: false),
                // (With a FIN it is one that has only closed its sending side, and is answered.)
                Leaving(query: "channels=x", isReset: true),
            ])
        func beforeAnswer(_ leaving: Leaving) async throws {
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url, "--loops", "1"]) { server in
                    for round in 0..<5 {
                        try await server.send("\(round)", to: "x")
                        let lost = try await server.lost
                        let frozen = ContinuousClock.now
                        redis.freeze()
                        let socket = try RawSocket(port: server.port)
                        try socket.write("GET /receive?\(leaving.query) HTTP/1.1\r\nHost: l\r\n\r\n")
                        try await server.turn()
                        if leaving.isReset { socket.reset() } else { socket.shutdownSending() }
                        try await server.turn()
                        redis.thaw()
                        // On a machine that is so busy the question had no answer in time.
                        let isTooLate = ContinuousClock.now - frozen > .milliseconds(1200)
                        let delivery = try await server.receive("x", timeout: 5)
                        if isTooLate, delivery == nil {
                            #expect(try await server.lost == lost + 1)
                        } else {
                            #expect(delivery?.message.description == "\(round)")
                            #expect(try await server.lost == lost || isTooLate)
                        }
                        withExtendedLifetime(socket) {}
                    }
                }
            }
        }
    }
}

private struct Losses: Decodable {
    let lost: Int
}

extension LaurelProcess {
    fileprivate var lost: Int {
        get async throws { try await call("GET", "/stats").decoded(as: Losses.self).lost }
    }

    /// Returns once the loop, where there is one, has come by what other connections have sent until now.
    fileprivate func turn() async throws {
        for _ in 0..<3 { _ = try await call("GET", "/health/live") }
    }
}

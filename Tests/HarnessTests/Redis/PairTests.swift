import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("A balanced pair on one Redis, with deploy/nginx-pair.conf")
    struct PairTests {
        @Test("Both work, what one accepts the other delivers; when one goes, the other goes on")
        func pair() async throws {
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { first in
                    try await LaurelProcess.run(["--backend", redis.url]) { second in
                        try await Self.untilReady(first)
                        try await Self.untilReady(second)
                        try await NginxProcess.run({ try Self.pair($0, first, second) }) { socket in
                            try await Self.shares(first, second, socket)
                            second.signal(SIGTERM)
                            #expect(await second.exitStatus() == 0)
                            try await Self.goesOn(first, socket)
                        }
                    }
                }
            }
        }

        /// Puts the pair where the single server was.
        private static func pair(_ text: String, _ first: LaurelProcess, _ second: LaurelProcess) throws -> String {
            let upstream = try #require(text.firstRange(of: /upstream laurel \{[^}]*\}/))
            let pair = try NginxProcess.configuration("nginx-pair.conf")
            return text.replacing(text[upstream], with: pair)
                .replacing("127.0.0.1:8081", with: "127.0.0.1:\(first.port)")
                .replacing("127.0.0.1:8082", with: "127.0.0.1:\(second.port)")
        }

        private static func untilReady(_ server: LaurelProcess) async throws {
            try await server.eventually("ready") { try await server.readiness == 200 }
        }

        private static func shares(_ first: LaurelProcess, _ second: LaurelProcess, _ socket: String) async throws {
            let pollsCount = 20
            try await withThrowingTaskGroup(of: Delivery.self) { group in
                for _ in 0..<pollsCount {
                    group.addTask {
                        try await first.client.send(
                            NginxProcess.request("GET", "/receive?channels=x&timeout=60", socket)
                        )
                        .decoded()
                    }
                }
                try await first.eventually("all wait, at both") {
                    let waiting = try await [first.waitingCount, second.waitingCount]
                    return waiting.reduce(0, +) == pollsCount && !waiting.contains(0)
                }
                for number in 0..<pollsCount {
                    var send = NginxProcess.request("POST", "/channels/x", socket)
                    send.content = Array("\(number)".utf8)
                    #expect(try await first.client.send(send).status == 202)
                }
                let deliveries = try await group.reduce(into: []) { $0.append($1) }
                #expect(Set(deliveries.map(\.message.description)) == Set((0..<pollsCount).map { "\($0)" }))
            }
        }

        /// What comes to the one that is gone fails at first, and is told so; then all goes to the other.
        private static func goesOn(_ server: LaurelProcess, _ socket: String) async throws {
            try await server.eventually("none fails any more") {
                for number in 0..<20 {
                    var send = NginxProcess.request("POST", "/channels/y", socket)
                    send.content = Array("\(number)".utf8)
                    let status = try await server.client.send(send).status
                    guard status == 202 else {
                        #expect(status == 502)
                        return false
                    }
                }
                return true
            }
        }
    }
}

private struct Waiting: Decodable {
    let waiting: Int
}

extension LaurelProcess {
    fileprivate var readiness: Int {
        get async throws { try await call("GET", "/health/ready").status }
    }

    /// Receivers that wait at this server.
    fileprivate var waitingCount: Int {
        get async throws { try await call("GET", "/stats").decoded(as: Waiting.self).waiting }
    }
}

import Foundation
import HTTPClient
import Testing

extension Harness {
    /// `make soak MESSAGES=1000000` says how many.
    @Suite("Three servers on one Redis")
    struct SeveralLaurelsTests {
        private static let messagesCount =
            ProcessInfo.processInfo.environment["SOAK_MESSAGES"].flatMap { Int($0) } ?? 20_000

        @Test("Nothing is lost, comes twice or out of order, whoever joins, leaves or hangs up in its wait")
        func undisturbed() async throws {
            try await RedisProcess.run { redis in
                let report = try await soak(on: redis)
                #expect(report.violations.isEmpty, "\(report)")
                #expect(report.refusedCount == 0 && report.openCount == 0, "\(report)")
                #expect(report.takenCount > Self.messagesCount / 2 && report.copiesCount > 0 && report.hangUpsCount > 0)
            }
        }

        @Test("The same while Redis is killed ten times and comes back empty: what is lost was in it, or is counted")
        func restarts() async throws {
            try await RedisProcess.run { redis in
                let report = try await soak(on: redis, outages: 10)
                #expect(report.violations.isEmpty, "\(report)")
                #expect(report.takenCount > Self.messagesCount / 4)
            }
        }

        private func soak(on redis: RedisProcess, outages outagesCount: Int = 0) async throws -> SoakChecker.Report {
            let arguments = ["--backend", "\(redis.url)?capacity=1000000&expiry=86400"]
            return try await LaurelProcess.run(arguments) { first in
                try await LaurelProcess.run(arguments) { second in
                    try await LaurelProcess.run(arguments) { third in
                        let servers = [first, second, third]
                        for server in servers { try await server.untilReady() }
                        let begin = ContinuousClock.now
                        var history = try await run(on: servers, redis, outagesCount: outagesCount)
                        print("\(Self.messagesCount) messages in \(ContinuousClock.now - begin)")
                        try await conclude(on: servers, &history)
                        let report = SoakChecker.report(on: history, memberChannels: Array(Soak.memberChannels))
                        print("\(outagesCount) outages: \(report)")
                        return report
                    }
                }
            }
        }

        /// All clients, until all is sent and nothing comes any more.
        private func run(
            on servers: [LaurelProcess], _ redis: RedisProcess, outagesCount: Int
        ) async throws -> SoakHistory {
            let soak = Soak(ports: servers.map(\.port), messagesCount: Self.messagesCount)
            async let others = Self.run(Self.receivers + Self.joiners, in: soak)
            async let outages = Self.outages(outagesCount, of: redis, in: soak)
            var history = await Self.run((1...64).map { .sender($0) }, in: soak)
            soak.end()
            history.add(await others)
            history.outages = try await outages
            return history
        }

        private static func run(_ roles: [SoakClient.Role], in soak: Soak) async -> SoakHistory {
            await withTaskGroup(of: SoakHistory.self) { clients in
                for role in roles {
                    let seed = UInt64.random(in: .min ... .max)
                    clients.addTask { await SoakClient.run(role, in: soak, seed: seed) }
                }
                return await clients.reduce(into: SoakHistory()) { $0.add($1) }
            }
        }

        /// 28 that stay, 20 that hang up now and then, 16 for the members of the group; each for two channels.
        private static let receivers: [SoakClient.Role] =
            (0..<28).map { .receiver([$0 % 24, ($0 * 5 + 3) % 24]) }
            + (0..<20).map { .leaver([24 + $0 % 8, 24 + ($0 * 3 + 1) % 8]) }
            + (0..<16).map { .receiver([32 + $0, 32 + ($0 + 5) % 16]) }

        private static let joiners: [SoakClient.Role] =
            stride(from: 32, to: 48, by: 4).map { .joiner(Array($0..<($0 + 4))) }

        /// Kills Redis and starts it again, each time when an equal part of the messages was sent.
        private static func outages(
            _ count: Int, of redis: RedisProcess, in soak: Soak
        ) async throws -> [SoakHistory.Outage] {
            var outages: [SoakHistory.Outage] = []
            for number in 0..<count {
                while soak.progress < (number + 1) * soak.messagesCount / (count + 1) {
                    // Looks again: the clients, on threads of their own, tell nobody how far they are. Nothing depends on
                    // when exactly an outage begins.
                    try await Task.sleep(for: .milliseconds(5))
                }
                let began = ContinuousClock.now
                await redis.kill()
                outages.append(.init(began: began, over: .now))
                try await redis.start()
            }
            return outages
        }

        /// Takes what is left, and reads the counters.
        private func conclude(on servers: [LaurelProcess], _ history: inout SoakHistory) async throws {
            let names = (0..<Soak.memberChannels.upperBound).map { "c\($0)" }.joined(separator: ",")
            for server in servers {
                try await server.untilReady()
                while true {
                    let began = ContinuousClock.now
                    let answer = try await server.call("GET", "/receive?channels=\(names)&max=1000")
                    guard answer.status == 200 else { break }
                    for delivery in try answer.decoded(as: Deliveries.self).messages {
                        let name = try #require(SoakHistory.Name(delivery.message.description))
                        let channel = try #require(Int(delivery.channel.dropFirst()))
                        history.takes.append(.init(name: name, channel: channel, began: began, over: .now))
                    }
                }
                let counts: Counts = try await server.call("GET", "/stats").decoded()
                #expect(counts.pending == 0)
                history.lostCount += counts.lost
            }
        }
    }
}

private struct Deliveries: Decodable {
    let messages: [Delivery]
}

private struct Counts: Decodable {
    let pending: Int
    let lost: Int
}

extension LaurelProcess {
    fileprivate func untilReady() async throws {
        try await eventually("ready") { try await call("GET", "/health/ready").status == 200 }
    }
}

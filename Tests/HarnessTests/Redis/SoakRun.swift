import Foundation
import HTTPClient
import Testing

@testable import ChannelsReference

/// A soak: servers that share a layer, 64 clients that send (or so many), 64 that receive and 4 that have channels join a group and leave it,
/// until all is sent and nothing comes any more.
struct SoakRun {
    /// The settings with which each `--backend` ends: nothing is ever full, nor expires.
    static let settings = "?capacity=1000000&expiry=86400"

    let messagesCount: Int
    var sendersCount = 64
    /// What Redis and the way to it may lose of what they have answered.
    var faults = Faults.none

    enum Faults {
        case none
        /// Answers.
        case answers
        /// All that is in it, as it keeps nothing when it is killed.
        case everything
    }

    /// Runs it, and judges what the clients were told.
    ///
    /// - Parameters:
    ///   - meanwhile: disturbs what it likes, and ends.
    ///   - rest: called before what is left is taken: there must be no disturbance any more.
    func report(
        on servers: [LaurelProcess],
        meanwhile: @escaping @Sendable (Soak) async throws -> [SoakHistory.Outage] = { _ in [] },
        rest: () throws -> Void = {}
    ) async throws -> SoakChecker.Report {
        for server in servers { try await server.untilReady() }
        let seed =
            ProcessInfo.processInfo.environment["SOAK_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
        print("SOAK_SEED=\(seed)")
        let begin = ContinuousClock.now
        var history = try await history(on: servers, seed: seed, meanwhile)
        print("\(messagesCount) messages in \(ContinuousClock.now - begin)")
        try rest()
        try await conclude(on: servers, &history)
        let report = SoakChecker.report(on: history, memberChannels: Array(Soak.memberChannels))
        print("\(report)")
        return report
    }

    private func history(
        on servers: [LaurelProcess], seed: UInt64,
        _ meanwhile: @escaping @Sendable (Soak) async throws -> [SoakHistory.Outage]
    ) async throws -> SoakHistory {
        // Who closes its connection may have been written to. Where it matters what Redis has lost nobody does.
        let soak = Soak(
            ports: servers.map(\.port), messagesCount: messagesCount,
            hangUps: faults == .answers ? [.finish] : SoakSocket.HangUp.allCases)
        async let others = Self.run(Self.receivers + Self.joiners, in: soak, seed: seed)
        async let outages = meanwhile(soak)
        var history = await Self.run((1...sendersCount).map { .sender($0) }, in: soak, seed: ~seed)
        soak.end()
        history.add(await others)
        history.outages = try await outages
        history.losesAnswers = faults != .none
        return history
    }

    private static func run(_ roles: [SoakClient.Role], in soak: Soak, seed: UInt64) async -> SoakHistory {
        var seeds = SplitMix(state: seed)
        return await withTaskGroup(of: SoakHistory.self) { clients in
            for role in roles {
                let own = UInt64(seeds.below(.max))
                clients.addTask { await SoakClient.run(role, in: soak, seed: own) }
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
            history.lostCount += counts.lost
            // They are the layer's: the last server tells what is true in the end.
            history.sums = faults == .everything ? nil : counts.sums
            #expect(counts.pending == 0)
        }
    }
}

private struct Deliveries: Decodable {
    let messages: [Delivery]
}

private struct Counts: Decodable {
    let pending: Int
    let lost: Int
    let sent: Int
    let delivered: Int
    let expired: Int
    let purged: Int
    let dropped: Int

    var sums: SoakHistory.Sums { .init(sent: sent, delivered: delivered, otherwise: expired + purged + dropped) }
}

extension LaurelProcess {
    func untilReady() async throws {
        try await eventually("ready") { try await call("GET", "/health/ready").status == 200 }
    }
}

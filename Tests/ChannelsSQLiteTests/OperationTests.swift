import Channels
import ChannelsTesting
import Foundation
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

@Suite("Operations on the SQLite backend")
struct OperationTests {
    @Test("Concurrent sends share transactions, and each is answered")
    func groupCommit() async throws {
        let layer = try Layer(settings: roomy)
        let before = layer.backend.transactionCount
        let ids = try await withThrowingTaskGroup(of: [MessageID].self) { group in
            for sender in 0..<64 {
                group.addTask {
                    var ids: [MessageID] = []
                    for number in 0..<50 { ids.append(try await layer.send("\(sender) \(number)", to: "a").id) }
                    return ids
                }
            }
            return try await group.reduce(into: [MessageID]()) { $0 += $1 }
        }
        #expect(Set(ids).count == 3200)
        #expect(layer.backend.transactionCount - before < 3200 / 2)
        #expect(try await layer.pending("a") == 3200)
        // In the order of their numbers, and so of each sender's.
        #expect(try await layer.receive("a", max: 3200).map(\.id) == ids.sorted())
        await layer.backend.shutdown()
    }

    @Test("A refusal in a batch undoes none of the others")
    func refusal() async throws {
        var settings = LayerSettings()
        settings.capacity = 10
        let layer = try Layer(settings: settings)
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask { (try? await layer.send("\(number)", to: "a")) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 10)
        #expect(try await layer.pending("a") == 10)
        #expect(try await layer.backend.stats().counts?.rejected == 90)
        await layer.backend.shutdown()
    }

    @Test("A content of 16 MiB, and an empty one, come back bit by bit, over a restart too")
    func contents() async throws {
        let layer = try Layer()
        var large = [UInt8](repeating: 0, count: 16 << 20)
        for index in large.indices { large[index] = UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 7) }
        let messages = [
            Message(content: large, contentType: "image/png", isJSON: false),
            Message(content: [], contentType: "text/plain", isJSON: false),
            Message(content: Array("{}".utf8), contentType: "application/ld+json", isJSON: true),
        ]
        for message in messages {
            _ = try await layer.backend.send(message, to: ChannelName("a"), options: SendOptions())
        }
        await layer.backend.shutdown()
        let second = try Layer(in: layer.folder)
        #expect(try await second.receive("a", max: 3).map(\.message) == messages)
        await second.backend.shutdown()
    }

    @Test("Contents take no place where queues are looked through")
    func contentsApart() async throws {
        let layer = try Layer(settings: roomy)
        for _ in 0..<50 { try await layer.send(String(repeating: "x", count: 1 << 20), to: "a") }
        #expect(try await layer.pending("a") == 50)
        // The 50 MiB are gone from the file some sweeps after they are gone from the queue.
        #expect(try await layer.receive("a", max: 50).count == 50)
        while try await layer.backend.stats().bytes ?? 0 > 1 << 20 { await Task.yield() }
        await layer.backend.shutdown()
        let bytes = try FileManager.default.attributesOfItem(atPath: layer.folder.path("layer.db"))[.size] as? Int
        #expect(try #require(bytes) < 80 << 20)
    }

    @Test("At the time limit a receiver gets nothing, and takes nothing later")
    func timeLimit() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        layer.clock.advance(by: .seconds(30))
        #expect(try await wait.value.isEmpty)
        #expect(try await layer.send("1", to: "a").pending == 1)
        await layer.backend.shutdown()
    }

    @Test("A cancelled receiver has taken nothing")
    func cancellation() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        wait.cancel()
        await #expect(throws: CancellationError.self) { try await wait.value }
        #expect(try await layer.send("1", to: "a").pending == 1)
        #expect(try await layer.backend.stats().waiting == 0)
        await layer.backend.shutdown()
    }

    @Test("Whether cancelled or served, each message is taken once and none is lost")
    func cancellationRace() async throws {
        let layer = try Layer(settings: roomy)
        var taken: [String] = []
        for number in 0..<200 {
            let wait = try await layer.wait(on: "a")
            async let sent = layer.send("\(number)", to: "a")
            wait.cancel()
            _ = try await sent
            taken += ((try? await wait.value) ?? []).map(\.text)
            taken += try await layer.receiveTexts("a")
        }
        #expect(taken == (0..<200).map { "\($0)" })
        await layer.backend.shutdown()
    }

    @Test("A shutdown ends the waits")
    func shutdown() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        await layer.backend.shutdown()
        #expect(try await wait.value.isEmpty)
        await #expect(throws: ChannelError.self) { try await layer.send("1", to: "a") }
        await #expect(throws: ChannelError.self) { try await layer.backend.checkReadiness() }
    }

    @Test("A sweep frees what has expired")
    func sweep() async throws {
        let layer = try Layer()
        try await layer.join("ann", "team", for: .seconds(5))
        try await layer.send("1", to: "a", expiry: .seconds(5))
        for _ in 0..<100 {
            layer.clock.advance(by: .seconds(1))
            _ = try await layer.backend.stats()
        }
        let stats = try await layer.backend.stats()
        #expect(stats.counts?.expired == 1)
        #expect(stats.pending == 0)
        #expect(stats.channels == 0)
        #expect(stats.groups == 0)
        await layer.backend.shutdown()
    }

    private var roomy: LayerSettings {
        var settings = LayerSettings()
        settings.capacity = 1_000_000
        return settings
    }
}

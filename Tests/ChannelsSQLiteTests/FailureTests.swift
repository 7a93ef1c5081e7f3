import Channels
import GRDB
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

@Suite("Failures of the store")
struct FailureTests {
    @Test("A full disk refuses sends and readiness, loses nothing, and is over when there is room")
    func fullDisk() async throws {
        let layer = try Layer()
        try await layer.send("before", to: "a")
        try await limitPages(of: layer, to: 1)  // SQLite takes that for as many as there are
        let large = String(repeating: "x", count: 1 << 20)
        let error = await #expect(throws: ChannelError.self) { try await layer.send(large, to: "a") }
        #expect(error?.code == .backendUnavailable)
        #expect(error?.message.contains("disk is full") == true)
        await #expect(throws: ChannelError.self) { try await layer.backend.checkReadiness() }
        try await limitPages(of: layer, to: 1 << 30)
        try await layer.backend.checkReadiness()
        try await layer.send("after", to: "a")
        #expect(try await layer.receiveTexts("a") == ["before", "after"])
        await layer.backend.shutdown()
    }

    @Test("An operation that fails in the middle is undone alone: its batch and the waits go on")
    func oneFails() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        struct Mistake: Error {}
        async let first = layer.send("1", to: "b")
        async let failed: Void = layer.backend.perform { store in
            // A send that hands over to the receiver in wait, and then fails.
            _ = try store.send(Message(content: [1]), to: ChannelName("a"), options: SendOptions())
            throw Mistake()
        }
        async let last = layer.send("2", to: "b")
        _ = try await (first, last)
        var wasMistake = false
        do { try await failed } catch is Mistake { wasMistake = true }
        #expect(wasMistake)
        #expect(try await layer.receiveTexts("b").sorted() == ["1", "2"])
        #expect(try await layer.backend.stats().waiting == 1)
        #expect(try await layer.backend.stats().counts?.sent == 2)
        try await layer.send("3", to: "a")
        #expect(try await wait.value.map(\.text) == ["3"])
        await layer.backend.shutdown()
    }

    private func limitPages(of layer: Layer, to count: Int) async throws {
        try await layer.backend.perform { store in
            try store.database.execute(sql: "PRAGMA max_page_count = \(count)")
        }
    }
}

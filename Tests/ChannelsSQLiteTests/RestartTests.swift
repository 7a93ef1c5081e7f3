import Channels
import ChannelsTesting
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

@Suite("What survives, on the SQLite backend")
struct RestartTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("Messages, groups, memberships and counts survive a restart", arguments: SQLiteBackend.Synchronous.allCases)
    func restart(synchronous: SQLiteBackend.Synchronous) async throws {
        let first = try Layer(in: folder, synchronous: synchronous)
        try await first.join("ann", "team")
        let direct = try await first.send("1", to: "a")
        let group = try await first.sendGroup("2", to: "team")
        await first.backend.shutdown()

        let second = try Layer(in: folder, synchronous: synchronous)
        let status = try await second.backend.status(of: ChannelName("a"))
        #expect(status.pending == 1)
        #expect(status.counts?.sent == 1)
        let deliveries = try await second.receive("a", "ann", max: 10)
        #expect(deliveries.map(\.id) == [direct.id, group.id])
        #expect(deliveries.map(\.text) == ["1", "2"])
        #expect(deliveries.map(\.group?.rawValue) == [nil, "team"])
        let later = try await second.sendGroup("3", to: "team")
        #expect(later.members == 1)
        let laterID = try #require(later.id)
        #expect(try laterID > #require(group.id))
        #expect(laterID.epoch == direct.id.epoch)
        #expect(try await second.receiveTexts("ann") == ["3"])
        await second.backend.shutdown()
    }

    @Test("What was acknowledged is there after a kill, what was delivered is not, and numbers go on")
    func kill() async throws {
        let first = try Layer(in: folder)
        for number in 1...20 { try await first.send("\(number)", to: "a") }
        #expect(try await first.receiveTexts("a", max: 5) == ["1", "2", "3", "4", "5"])
        let last = try await first.send("21", to: "a")
        try folder.copy("layer.db", to: "killed.db")

        let second = try Layer(in: folder, file: "killed.db")
        #expect(try await second.receiveTexts("a") == (6...21).map { "\($0)" })
        #expect(try await second.send("22", to: "a").id > last.id)
        await second.backend.shutdown()
        await first.backend.shutdown()
    }

    @Test("What is sent to a channel that was let go of, or flushed, is there after a kill, and in the counts")
    func comeback() async throws {
        let first = try Layer(in: folder)
        try await first.send("1", to: "a")
        _ = try await first.receive("a")
        // A sweep lets go of it.
        for _ in 0..<100 where try await first.backend.stats().channels != 0 {
            first.clock.advance(by: .seconds(1))
        }
        #expect(try await first.backend.stats().channels == 0)
        try await first.send("2", to: "a")
        try await first.send("3", to: "b")
        try await first.backend.flush()
        try await first.send("4", to: "b")
        try folder.copy("layer.db", to: "killed.db")

        let second = try Layer(in: folder, file: "killed.db")
        let a = try await second.backend.status(of: ChannelName("a"))
        let b = try await second.backend.status(of: ChannelName("b"))
        #expect(a.counts == MessageCounts(sent: 1, purged: 1))
        #expect(b.counts == MessageCounts(sent: 2, purged: 1))
        #expect(try await second.receiveTexts("a", "b") == ["4"])
        await second.backend.shutdown()
        await first.backend.shutdown()
    }

    @Test("A receiver that waits is served once, and the kill after that delivers nothing twice")
    func killAfterHandOver() async throws {
        let first = try Layer(in: folder)
        let wait = try await first.wait(on: "a")
        try await first.send("1", to: "a")
        #expect(try await wait.value.map(\.text) == ["1"])
        try folder.copy("layer.db", to: "killed.db")
        let second = try Layer(in: folder, file: "killed.db")
        #expect(try await second.receive("a").isEmpty)
        #expect(try await second.backend.stats().counts?.delivered == 1)
        await second.backend.shutdown()
        await first.backend.shutdown()
    }

    @Test("Time that passed while the file was closed counts")
    func downtime() async throws {
        let first = try Layer(in: folder)
        try await first.send("short", to: "a", expiry: .seconds(30))
        try await first.send("long", to: "a", expiry: .seconds(90))
        first.clock.advance(by: .seconds(10))
        try await first.send("later", to: "a", expiry: .seconds(90))
        await first.backend.shutdown()
        let second = try Layer(in: folder, wall: Layer.wall + 40_000_000_000)
        #expect(try await second.receiveTexts("a") == ["long", "later"])
        await second.backend.shutdown()
    }

    @Test("A wall clock that is set while the file is open moves no deadline, not at the next restart either")
    func wallClockSetWhileOpen() async throws {
        let first = try Layer(in: folder)
        try await first.send("1", to: "a", expiry: .seconds(30))
        first.wall.set(forward: 1_000_000)
        await first.backend.shutdown()
        let second = try Layer(in: folder, wall: first.wall.now + 29_000_000_000)
        #expect(try await second.pending("a") == 1)
        second.clock.advance(by: .seconds(1))
        #expect(try await second.pending("a") == 0)
        await second.backend.shutdown()
    }

    @Test("A wall clock that is set while the file is open moves no deadline, though a kill comes next")
    func wallClockSetBeforeKill() async throws {
        let first = try Layer(in: folder)
        try await first.send("1", to: "a", expiry: .seconds(3600))
        first.wall.set(forward: 7200)
        first.clock.advance(by: .seconds(1))
        // The sweep of that second, or an earlier one.
        _ = try await first.backend.perform { try $0.sweep() }
        try folder.copy("layer.db", to: "killed.db")
        let second = try Layer(in: folder, file: "killed.db", wall: first.wall.now + 5_000_000_000)
        #expect(try await second.pending("a") == 1)
        await second.backend.shutdown()
        await first.backend.shutdown()
    }

    @Test("A wall clock that was set back stops the time while the file was closed, and no longer")
    func wallClockSetBack() async throws {
        let first = try Layer(in: folder)
        first.clock.advance(by: .seconds(10))
        try await first.send("1", to: "a", expiry: .seconds(30))
        first.clock.advance(by: .seconds(20))
        await first.backend.shutdown()
        let second = try Layer(in: folder, wall: 5)
        second.clock.advance(by: .seconds(9))
        #expect(try await second.pending("a") == 1)
        second.clock.advance(by: .seconds(1))
        #expect(try await second.pending("a") == 0)
        await second.backend.shutdown()
    }
}

import Channels
import GRDB
import Synchronization
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

    @Test("Beside a send for which the disk has no room, all else is done: sends, receives and what is given back")
    func oneTooLarge() async throws {
        let layer = try Layer()
        try await layer.send("taken", to: "a")
        try await layer.send("there", to: "b")
        let taken = try await layer.receive("a")
        let wait = try await layer.wait(on: "c")
        try await limitPages(of: layer, to: 1)
        let large = String(repeating: "x", count: 1 << 20)
        let outcomes = try await layer.gather(5) { group in
            group.addTask { try await layer.send("to who waits", to: "c").pending == 0 ? "handed over" : "stored" }
            group.addTask {
                let error = await #expect(throws: ChannelError.self) { try await layer.send(large, to: "d") }
                return "\(error?.code.rawValue ?? "sent")"
            }
            group.addTask { try await layer.receiveTexts("b").joined() }
            group.addTask { "lost: \(await layer.backend.giveBack(taken))" }
            group.addTask { "waiting: \(try await layer.backend.status(of: ChannelName("d")).pending ?? -1)" }
        }
        #expect(outcomes.sorted() == ["backend-unavailable", "handed over", "lost: 0", "there", "waiting: 0"])
        #expect(try await wait.value.map(\.text) == ["to who waits"])
        #expect(try await layer.receiveTexts("a") == ["taken"])
        await layer.backend.shutdown()
    }

    @Test("What cannot be given back for a full disk goes back when there is room")
    func giveBackLater() async throws {
        let layer = try Layer()
        let taken = try await takeAndFill(layer)
        let isGiven = Mutex(false)
        async let lost = {
            let lost = await layer.backend.giveBack(taken)
            isGiven.withLock { $0 = true }
            return lost
        }()
        while layer.backend.unansweredCallCount == 0 { await Task.yield() }
        // Batches are in order: when this one has its answer, the other was tried.
        #expect(try await layer.pending("a") == 0)
        #expect(isGiven.withLock { !$0 })
        try await limitPages(of: layer, to: 1 << 30)
        #expect(await lost == 0)
        #expect(try await layer.receive("a").map(\.id) == taken.map(\.id))
        await layer.backend.shutdown()
    }

    @Test("Where a commit fails each call has one of its own; nothing is done twice, nobody waits for ever")
    func commitFails() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        let refusals = Refusals(count: 1)
        let ids = try await layer.gather(3) { group in
            group.addTask {
                // From here on: the commit of the transaction that this is in.
                try await layer.backend.perform { refusals.refuse(commitsOf: $0) }
                return MessageID?.none
            }
            group.addTask { try await layer.send("1", to: "a").id }
            group.addTask { try await layer.send("2", to: "b").id }
        }
        #expect(refusals.isUsedUp)
        #expect(Set(ids.compactMap(\.self)).count == 2)
        #expect(try await wait.value.map(\.text) == ["1"])
        #expect(try await layer.receiveTexts("b") == ["2"])
        #expect(try await layer.backend.stats().counts == MessageCounts(sent: 2, delivered: 2))
        await layer.backend.shutdown()
        withExtendedLifetime(refusals) {}
    }

    @Test("Before the disk is so full that nothing can be taken out any more, contents are refused")
    func reserve() async throws {
        let free = Mutex(1 << 30)
        let layer = try Layer(space: DiskSpace { (free.withLock { $0 }, 1 << 40) })
        try await layer.send("1", to: "a")
        let taken = try await layer.receive("a")
        free.withLock { $0 = 64 << 20 - 1 }
        let error = await #expect(throws: ChannelError.self) { try await layer.send("2", to: "a") }
        #expect(error?.code == .backendUnavailable)
        #expect(error?.message.contains("disk is full") == true)
        await #expect(throws: ChannelError.self) { try await layer.backend.checkReadiness() }
        #expect(await layer.backend.giveBack(taken) == 0)
        #expect(try await layer.receiveTexts("a") == ["1"])
        free.withLock { $0 = 64 << 20 }
        try await layer.backend.checkReadiness()
        try await layer.send("2", to: "a")
        await layer.backend.shutdown()
    }

    @Test("A send that is refused before its transaction undoes nothing of the one before")
    func refusalAfterCommit() async throws {
        let free = Mutex(1 << 30)
        let layer = try Layer(space: DiskSpace { (free.withLock { $0 }, 1 << 40) })
        func refuseOne() async {
            free.withLock { $0 = 0 }
            await #expect(throws: ChannelError.self) { try await layer.send("no", to: "a") }
            free.withLock { $0 = 1 << 30 }
        }
        let first = try await layer.send("1", to: "a")
        await refuseOne()
        let second = try await layer.send("2", to: "b")
        #expect(second.id > first.id)
        let taken = try await layer.receive("b")
        try await layer.backend.flush()
        await refuseOne()
        #expect(await layer.backend.giveBack(taken) == 0)
        #expect(try await layer.receiveTexts("a", "b").isEmpty)
        #expect(try await layer.backend.stats().counts == MessageCounts(sent: 2, purged: 2))
        await layer.backend.shutdown()
    }

    @Test("Each call has the answer to its own failure, however many fail")
    func ownAnswers() async throws {
        let layer = try Layer()
        struct Mistake: Error {}
        try await limitPages(of: layer, to: 1)
        let large = String(repeating: "x", count: 1 << 20)
        let answers = try await layer.gather(21) { group in
            group.addTask {
                do {
                    try await layer.backend.perform { _ in throw Mistake() }
                    return "done"
                } catch {
                    return "\(type(of: error))"
                }
            }
            for _ in 0..<20 {
                group.addTask {
                    let error = await #expect(throws: (any Error).self) { try await layer.send(large, to: "a") }
                    return (error as? ChannelError)?.code.rawValue ?? "?"
                }
            }
        }
        #expect(answers.sorted() == ["Mistake"] + Array(repeating: "backend-unavailable", count: 20))
        await layer.backend.shutdown()
    }

    @Test("What was kept for a full disk goes back at shutdown, if there is room by then")
    func keptUntilShutdown() async throws {
        let layer = try Layer()
        let taken = try await takeAndFill(layer)
        let given = Task { await layer.backend.giveBack(taken) }
        while layer.backend.unansweredCallCount == 0 { await Task.yield() }
        #expect(try await layer.pending("a") == 0)
        // Room, in a transaction that fails: no other one works before the end.
        struct Mistake: Error {}
        await #expect(throws: Mistake.self) {
            try await layer.backend.perform { store in
                try store.database.execute(sql: "PRAGMA max_page_count = 1073741823")
                throw Mistake()
            }
        }
        await layer.backend.shutdown()
        #expect(await given.value == 0)
        let second = try Layer(in: layer.folder)
        #expect(try await second.receive("a").map(\.id) == taken.map(\.id))
        await second.backend.shutdown()
    }

    @Test("A sweep ends though the file does not give its pages back")
    func noVacuum() async throws {
        let layer = try Layer()
        await layer.backend.shutdown()
        let file = try DatabaseQueue(path: layer.folder.path("layer.db"))
        try await file.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
        }
        try file.close()
        let second = try Layer(in: layer.folder)
        for _ in 0..<8 { try await second.send(String(repeating: "x", count: 1 << 20), to: "a") }
        #expect(try await second.receive("a", max: 8).count == 8)
        var outcomes: [SweepOutcome] = []
        repeat {
            outcomes.append(try await second.backend.perform { try $0.sweep() })
        } while outcomes.last == .more && outcomes.count < 100
        #expect(outcomes.last == .later)
        await second.backend.shutdown()
    }

    @Test("A message whose content the file has lost is passed over")
    func contentIsGone() async throws {
        let layer = try Layer()
        for text in ["1", "2", "3"] { try await layer.send(text, to: "a") }
        try await layer.backend.perform { store in
            try store.database.execute(sql: "DELETE FROM message WHERE number = (SELECT MIN(number) FROM message)")
        }
        #expect(try await layer.receiveTexts("a") == ["2", "3"])
        let status = try await layer.backend.status(of: ChannelName("a"))
        #expect(status.pending == 0)
        #expect(status.counts == MessageCounts(sent: 3, delivered: 2, purged: 1))
        await layer.backend.shutdown()
    }

    @Test("An operation that fails in the middle is undone alone: its batch and the waits go on")
    func oneFails() async throws {
        let layer = try Layer()
        let wait = try await layer.wait(on: "a")
        struct Mistake: Error {}
        let outcomes = try await layer.gather(3) { group in
            group.addTask { "\(try await layer.send("1", to: "b").capacity ?? 0)" }
            group.addTask {
                do {
                    try await layer.backend.perform { store in
                        // A send that hands over to the receiver in wait, and then fails.
                        _ = try store.send(Message(content: [1]), to: ChannelName("a"), options: SendOptions())
                        throw Mistake()
                    }
                    return "done"
                } catch is Mistake {
                    return "mistake"
                }
            }
            group.addTask { "\(try await layer.send("2", to: "b").capacity ?? 0)" }
        }
        #expect(outcomes.sorted() == ["100", "100", "mistake"])
        #expect(try await layer.receiveTexts("b").sorted() == ["1", "2"])
        #expect(try await layer.backend.stats().waiting == 1)
        #expect(try await layer.backend.stats().counts?.sent == 2)
        try await layer.send("3", to: "a")
        #expect(try await wait.value.map(\.text) == ["3"])
        await layer.backend.shutdown()
    }

    /// Takes a large message from `a`, and lets the file be so full that it has no place to go back to.
    private func takeAndFill(_ layer: Layer) async throws -> [Delivery] {
        let large = String(repeating: "x", count: 1 << 20)
        try await layer.send("first" + large, to: "a")
        let taken = try await layer.receive("a")
        try await layer.send("second" + large, to: "b")  // takes the pages that were freed
        try await limitPages(of: layer, to: 1)
        return taken
    }

    private func limitPages(of layer: Layer, to count: Int) async throws {
        try await layer.backend.perform { store in
            try store.database.execute(sql: "PRAGMA max_page_count = \(count)")
        }
    }
}

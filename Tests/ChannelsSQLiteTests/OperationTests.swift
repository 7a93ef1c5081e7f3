import Channels
import ChannelsTesting
import Foundation
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

@Suite("Operations on the SQLite backend")
struct OperationTests {
    @Test("Sends that gather share one transaction, and each is answered")
    func groupCommit() async throws {
        let layer = try Layer(settings: roomy)
        let before = layer.backend.transactionCount
        let ids = try await layer.gather(64) { group in
            for sender in 0..<64 { group.addTask { try await layer.send("\(sender)", to: "a").id } }
        }
        // The one that was held, and the one of all sends.
        #expect(layer.backend.transactionCount - before == 2)
        #expect(Set(ids).count == 64)
        #expect(try await layer.receive("a", max: 64).map(\.id) == ids.sorted())
        await layer.backend.shutdown()
    }

    @Test("The sends of a batch share one transaction, in their order, and each has its own answer")
    func batch() async throws {
        var settings = LayerSettings()
        settings.capacity = 2
        let layer = try Layer(settings: settings)
        try await layer.join("ann", "team")
        func send(_ text: String, to channel: String) throws -> BatchedSend {
            .channel(try ChannelName(channel), Message(content: Array(text.utf8)), SendOptions())
        }
        let before = layer.backend.transactionCount
        let results = await layer.backend.sendEach([
            try send("1", to: "a"), try send("2", to: "a"), try send("3", to: "a"),
            .group(try GroupName("team"), Message(content: Array("4".utf8)), GroupSendOptions()),
            try send("5", to: "b"),
        ])
        #expect(layer.backend.transactionCount - before == 1)
        let told = results.map { result in
            switch result {
            case .success(.channel(let receipt)): "pending \(receipt.pending ?? -1)"
            case .success(.group(let receipt)): "members \(receipt.members ?? -1)"
            case .failure(let error): "\((error as? ChannelError)?.code.rawValue ?? "?")"
            }
        }
        #expect(told == ["pending 1", "pending 2", "channel-full", "members 1", "pending 1"])
        #expect(try await layer.receiveTexts("a", "ann", "b") == ["1", "2", "4", "5"])
        #expect(await layer.backend.sendEach([]).isEmpty)
        await layer.backend.shutdown()
    }

    @Test("Of many senders each one's messages stay in order")
    func order() async throws {
        let layer = try Layer(settings: roomy)
        let ids = try await withThrowingTaskGroup(of: [MessageID].self) { group in
            for sender in 0..<64 {
                group.addTask {
                    var ids: [MessageID] = []
                    for number in 0..<20 { ids.append(try await layer.send("\(sender) \(number)", to: "a").id) }
                    #expect(ids == ids.sorted())
                    return ids
                }
            }
            return try await group.reduce(into: [MessageID]()) { $0 += $1 }
        }
        #expect(try await layer.receive("a", max: 1280).map(\.id) == ids.sorted())
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

    @Test("When contents have gone the file becomes small again")
    func shrinking() async throws {
        let layer = try Layer(settings: roomy)
        for _ in 0..<20 { try await layer.send(String(repeating: "x", count: 1 << 20), to: "a") }
        #expect(try await pageCount(of: layer) > 20 << 8)
        #expect(try await layer.receive("a", max: 20).count == 20)
        // Sweeps cut a slice of pages off, as long as more are free than are kept (4 MiB).
        while try await pageCount(of: layer) > 8 << 8 {
            layer.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        await layer.backend.shutdown()
        let bytes = try FileManager.default.attributesOfItem(atPath: layer.folder.path("layer.db"))[.size] as? Int
        #expect(try #require(bytes) <= 8 << 20)
    }

    private func pageCount(of layer: Layer) async throws -> Int {
        try await layer.backend.perform { store in
            try store.prepared("PRAGMA page_count").first { Int($0.int(0)) } ?? 0
        }
    }

    @Test("What has expired in many channels is freed in slices, and an operation goes on after them")
    func slices() async throws {
        let layer = try Layer(settings: roomy)
        for number in 0..<1200 { try await layer.send("1", to: "c\(number % 40)", expiry: .seconds(5)) }
        let names = try (0..<40).map { try ChannelName("c\($0)") }
        layer.clock.advance(by: .milliseconds(4999))
        var attempts = 0
        // Before the first sweep; the clock is the store's alone.
        let deadline = try await layer.backend.perform { $0.now + 1_000_000 }
        while true {
            let isDone = try await layer.backend.perform { store in
                store.move(to: FileInstant(time: deadline, wall: deadline))
                do {
                    return try store.receive(names, options: ReceiveOptions()).isEmpty
                } catch is WorkRemains {
                    #expect(store.slice.isUsedUp)
                    return false
                }
            }
            attempts += 1
            if isDone { break }
        }
        // 500 in each transaction, of which others may take a part.
        #expect(attempts >= 3)
        #expect(try await layer.backend.stats().counts?.expired == 1200)
        await layer.backend.shutdown()
    }

    @Test("However many wait for what has expired to be freed, others have their turn")
    func newcomersBesideRepeats() async throws {
        let layer = try Layer(settings: roomy)
        for number in 0..<5000 { try await layer.send("\(number)", to: "old", expiry: .seconds(5)) }
        try await layer.backend.perform { store in
            store.move(to: FileInstant(time: store.now + 5_000_000_000, wall: store.now))
        }
        let release = try await layer.hold()
        let backend = layer.backend
        let before = backend.transactionCount
        let (old, new) = (try ChannelName("old"), try ChannelName("new"))
        for _ in 0..<1100 {
            backend.writer.enqueue(TypedCall({ try $0.receive([old], options: ReceiveOptions()) }, finish: { _ in }))
        }
        async let count = withCheckedContinuation { continuation in
            backend.send(Message(content: [1]), to: new, options: SendOptions()) { _ in
                continuation.resume(returning: backend.transactionCount - before)
            }
        }
        while backend.unansweredCallCount < 1101 { await Task.yield() }
        release()
        // The one that was held, one that is full of receives, and one with this send among them. 5,000 take ten.
        #expect(await count <= 4)
        while try await layer.backend.stats().counts?.expired != 5000 { await Task.yield() }
        await layer.backend.shutdown()
    }

    @Test("Contents that wait to be stored are bounded: beyond that, sends are refused and nothing else is")
    func contentsBounded() async throws {
        let layer = try Layer(settings: roomy)
        let large = Message(content: [UInt8](repeating: 1, count: 64 << 20), isJSON: false)
        let codes = try await layer.gather(5) { group in
            for _ in 0..<4 {
                group.addTask {
                    _ = try await layer.backend.send(large, to: ChannelName("a"), options: SendOptions())
                    return ChannelError.Code?.none
                }
            }
            group.addTask {
                while layer.backend.unansweredCallCount < 5 { await Task.yield() }
                let error = await #expect(throws: ChannelError.self) { try await layer.send("1", to: "b") }
                _ = try await layer.receive("b")
                return error?.code
            }
        }
        #expect(codes.compactMap(\.self) == [.backendUnavailable])
        #expect(try await layer.pending("a") == 4)
        await layer.backend.shutdown()
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

    @Test("A receiver whose time is up before the file was asked takes what is there, if it was not cancelled")
    func timeLimitBeforeLook() async throws {
        let layer = try Layer()
        for (text, isCancelled) in [("1", false), (nil, false), ("2", true)] {
            if let text { try await layer.send(text, to: "a") }
            let release = try await layer.hold()
            let before = layer.backend.unansweredCallCount
            let (backend, deadline) = (layer.backend, layer.clock.now.advanced(by: .seconds(30)))
            let wait = Task {
                try await backend.receiveManyBlocking([ChannelName("a")], options: ReceiveOptions(), until: deadline)
            }
            while backend.unansweredCallCount == before { await Task.yield() }
            layer.clock.advance(by: .seconds(30))
            if isCancelled { wait.cancel() }
            release()
            if isCancelled {
                await #expect(throws: CancellationError.self) { try await wait.value }
                #expect(try await layer.receiveTexts("a") == [text])
            } else {
                #expect(try await wait.value.map(\.text) == (text.map { [$0] } ?? []))
            }
            #expect(try await layer.backend.stats().waiting == 0)
        }
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

    @Test("A shutdown answers what was asked before, and keeps it")
    func shutdownUnderLoad() async throws {
        let layer = try Layer()
        let release = try await layer.hold()
        let sends = (0..<10).map { number in Task { try await layer.send("\(number)", to: "a").id } }
        while layer.backend.unansweredCallCount < 11 { await Task.yield() }
        let shutdown = Task { await layer.backend.shutdown() }
        while !layer.backend.isClosing { await Task.yield() }
        await #expect(throws: ChannelError.self) { try await layer.send("late", to: "a") }
        release()
        var ids: [MessageID] = []
        for send in sends { ids.append(try await send.value) }
        await shutdown.value
        let second = try Layer(in: layer.folder)
        #expect(try await second.receive("a", max: 20).map(\.id) == ids.sorted())
        await second.backend.shutdown()
    }

    @Test("A group send reaches each of many that wait on one mailbox, in the order of their arrival")
    func manyOnOneMailbox() async throws {
        let layer = try Layer()
        for number in 0..<200 { try await layer.join("inbox!\(number)", "team") }
        var waits: [Task<[Delivery], any Error>] = []
        for _ in 0..<150 { waits.append(try await layer.wait(on: "inbox!")) }
        try await layer.sendGroup("1", to: "team")
        var names: [String] = []
        for wait in waits { names += try await wait.value.map(\.channel.rawValue) }
        #expect(names == (0..<150).map { "inbox!\($0)" })
        #expect(
            try await layer.receive("inbox!", max: 100).map(\.channel.rawValue) == (150..<200).map { "inbox!\($0)" })
        await layer.backend.shutdown()
    }

    @Test("Deliveries go back once, however much that has expired is in their way")
    func giveBackPastExpired() async throws {
        let layer = try Layer(settings: roomy)
        for channel in ["a", "b"] { try await layer.send("taken", to: channel) }
        let taken = try await layer.receive("a", "b", max: 2)
        // More than a slice, and no sweep comes so soon.
        for _ in 0..<600 { try await layer.send("", to: "b", expiry: .milliseconds(10)) }
        layer.clock.advance(by: .milliseconds(20))
        let wait = try await layer.wait(on: "a")
        #expect(await layer.backend.giveBack(taken) == 0)
        #expect(try await wait.value.map(\.text) == ["taken"])
        #expect(try await layer.receiveTexts("a", "b") == ["taken"])
        #expect(try await layer.backend.stats().counts == MessageCounts(sent: 602, delivered: 2, expired: 600))
        await layer.backend.shutdown()
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

    @Test("The clock keeps nothing of a layer that is closed, though it stand still", .timeLimit(.minutes(1)))
    func lettingGo() async throws {
        let folder = try TemporaryFolder()
        let clock = ManualClock()
        weak var sweeps: SweepPlan?
        do {
            let backend = try SQLiteBackend(path: folder.path("layer.db"), clock: clock)
            sweeps = backend.writer.sweeps
            await backend.shutdown()
        }
        #expect(clock.scheduledCount == 0)
        // The writer's thread has a few steps to its end.
        while sweeps != nil { await Task.yield() }
    }

    private var roomy: LayerSettings {
        var settings = LayerSettings()
        settings.capacity = 1_000_000
        return settings
    }
}

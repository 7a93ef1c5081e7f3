import ChannelsTesting
import Testing

@testable import Channels

@Suite("Receivers in wait, on a backend that cannot wait", .timeLimit(.minutes(3)))
struct PollerTests: PollerWords {
    let clock = ManualClock()
    let store = ScriptedBackend(traits: BackendTraits(givesBack: true, neverBlocks: true))
    let backend: any WaitingChannelBackend

    init() {
        backend = Layer(name: "default", store: store, settings: LayerSettings(), clock: clock).backend
    }

    // MARK: Served

    @Test("A send wakes who waits for its channel, without time passing")
    func rungBySend() async throws {
        let wait = receive("a", "b")
        try await waiting(1)
        let receipt = try await send("1", to: "b")
        let deliveries = try await wait.answer
        #expect(deliveries.map(\.id) == [receipt.id])
    }

    @Test("So does a send to a channel of the mailbox that is waited for")
    func mailbox() async throws {
        let wait = receive("inbox!")
        try await waiting(1)
        _ = try await send("1", to: "inbox!ann")
        #expect(try await wait.answer.map(\.channel.rawValue) == ["inbox!ann"])
    }

    @Test("A send to a channel for which nobody waits asks the store for nothing")
    func otherSends() async throws {
        let wait = receive("a")
        try await lookedFor(1)
        for number in 0..<10 { _ = try await send("\(number)", to: "b") }
        _ = try await send("1", to: "a")
        _ = try await wait.answer
        #expect(store.receives.count == 2)
    }

    @Test("A message that comes back wakes who waits")
    func rungByGiveBack() async throws {
        _ = try await send("1", to: "a")
        let taken = try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions())
        let wait = receive("a")
        try await lookedFor(2)
        #expect(await backend.giveBack(taken) == 0)
        #expect(try await wait.answer.map(\.id) == taken.map(\.id))
    }

    @Test("A group send serves all its members that wait, with all copies for one receiver's channels")
    func rungByGroupSend() async throws {
        let group = try GroupName("g")
        for name in ["a", "b", "c"] {
            try await backend.groupAdd(ChannelName(name), to: group, options: GroupAddOptions())
        }
        let several = receive("a", "b", max: 10)
        let one = receive("c")
        try await waiting(2)
        let receipt = try await backend.sendGroup(message("1"), to: group, options: GroupSendOptions())
        #expect(receipt == GroupSendReceipt(id: nil, members: 3))
        #expect(try await several.answer.map(\.channel.rawValue).sorted() == ["a", "b"])
        #expect(try await one.answer.map(\.channel.rawValue) == ["c"])
    }

    @Test("While a group send is under way nothing is asked for, but no longer than 250 ms", arguments: [true, false])
    func groupSendHolds(isQuick: Bool) async throws {
        let group = try GroupName("g")
        for name in ["a", "b"] {
            try await backend.groupAdd(ChannelName(name), to: group, options: GroupAddOptions())
        }
        let wait = receive("a", "b", max: 10)
        try await lookedFor(1)
        let countBefore = store.receives.count
        store.holdSends()
        let sent = Task { [backend, message = message("1")] in
            try await backend.sendGroup(message, to: group, options: GroupSendOptions())
        }
        while store.heldSendsCount < 1 { try await yield() }
        // Its first copy is there. Another one's end, and time that passes, ring in vain.
        _ = try await backend.sendGroup(message("2"), to: GroupName("nobody's"), options: GroupSendOptions())
        for _ in 0..<24 { try await pass(.milliseconds(10)) }
        #expect(store.receives.count == countBefore)
        if isQuick {
            store.letGo()
            #expect(try await wait.answer.map(\.channel.rawValue).sorted() == ["a", "b"])
        } else {
            clock.advance(by: .milliseconds(10))
            #expect(try await wait.answer.map(\.channel.rawValue) == ["a"])
            store.letGo()
        }
        #expect(try await sent.answer.members == 2)
    }

    @Test("What another process puts into the store is found within 250 ms")
    func otherProcesses() async throws {
        let wait = receive("a", for: .seconds(100))
        try await lookedFor(1)
        // Until the pauses have grown to their longest.
        for _ in 0..<100 { try await pass(.milliseconds(50)) }
        let countBefore = store.receives.count
        try store.put("1", into: "a")
        clock.advance(by: .milliseconds(250))
        #expect(try await wait.answer.count == 1)
        #expect(store.receives.count == countBefore + 1)
    }

    @Test("Pauses grow from 5 ms to 250 ms")
    func pauses() async throws {
        let begin = clock.now
        let wait = receive("a", for: .seconds(10))
        try await lookedFor(1)
        var instants: [Duration] = []
        while instants.count < 9 {
            let countBefore = store.receives.count
            try await pass(.milliseconds(1))
            if store.receives.count > countBefore { instants.append(begin.duration(to: clock.now)) }
        }
        let pauses = zip(instants, instants.dropFirst()).map { $1 - $0 }
        #expect(instants[0] == .milliseconds(5))
        #expect(pauses == [10, 20, 40, 80, 160, 250, 250, 250].map { .milliseconds($0) })
        wait.cancel()
        _ = try? await wait.answer
    }

    @Test("Receivers are served in the order in which they came")
    func firstComeFirstServed() async throws {
        var waits: [Task<[Delivery], any Error>] = []
        for count in 1...6 {
            waits.append(count.isMultiple(of: 2) ? receive("a", "b") : receive("b", "a"))
            try await waiting(count)
        }
        for (number, wait) in waits.enumerated() {
            let receipt = try await send("\(number)", to: number < 3 ? "a" : "b")
            #expect(try await wait.answer.map(\.id) == [receipt.id])
        }
    }

    @Test("A receiver that wants several gets what is there, within its limits")
    func several() async throws {
        store.holdReceives()
        let wait = receive("a", "b", max: 3, bytes: 3)
        try await held(1)
        for text in ["1", "2", "3", "4"] { try store.put(text, into: text == "1" ? "b" : "a") }
        store.letGo()
        clock.advance(by: .milliseconds(5))
        #expect(Set(try await wait.answer.map(\.text)).count == 3)
        #expect(try store.texts(in: "a").count + store.texts(in: "b").count == 1)
    }

    @Test("Who wants several from a mailbox leaves to others what they wait for inside")
    func severalFromMailbox() async throws {
        let ann = receive("inbox!ann")
        try await waiting(1)
        let several = receive("inbox!", max: 10)
        try await waiting(2)
        try await idle()
        try store.put("ann's", into: "inbox!ann")
        // It rings for the mailbox alone, and is taken first.
        _ = try await send("1", to: "inbox!aaa")
        #expect(try await several.value.map(\.text) == ["1"])
        clock.advance(by: .milliseconds(250))
        #expect(try await ann.value.map(\.text) == ["ann's"])
    }

    @Test("What would be more than its bytes goes back")
    func bytes() async throws {
        store.holdReceives()
        let wait = receive("a", max: 3, bytes: 5)
        try await held(1)
        for text in ["1", "too long"] { try store.put(text, into: "a") }
        store.letGo()
        clock.advance(by: .milliseconds(5))
        #expect(try await wait.answer.map(\.text) == ["1"])
        #expect(try store.texts(in: "a") == ["too long"])
    }

    // MARK: One poller

    @Test("However many wait, the store is asked once for all of them")
    func onePoller() async throws {
        let waits = (0..<300).map { receive("a\($0)", "b") }
        try await waiting(300)
        try await idle()
        let countBefore = store.receives.count
        clock.advance(by: .milliseconds(250))
        try await idle()
        #expect(store.receives.count == countBefore + 1)
        #expect(Set(store.receives.last ?? []).count == 301)
        for wait in waits { wait.cancel() }
        for wait in waits { _ = try? await wait.answer }
    }

    @Test("One call names a thousand channels at most, and all are asked for")
    func namesInACall() async throws {
        let names = (0..<2500).map { "a\($0)" }
        let waits = stride(from: 0, to: 2500, by: 500).map { first in receive(Array(names[first..<first + 500])) }
        try await waiting(5)
        try await idle()
        let countBefore = store.receives.count
        clock.advance(by: .milliseconds(250))
        try await idle()
        let sweep = store.receives[countBefore...]
        #expect(sweep.count == 3)
        #expect(store.receives.allSatisfy { $0.count <= 1000 })
        #expect(Set(sweep.flatMap { $0 }.map(\.rawValue)) == Set(names))
        for wait in waits { wait.cancel() }
        for wait in waits { _ = try? await wait.answer }
    }

    @Test("Where nobody waits, nothing is asked, and nothing waits for its time")
    func idleWithoutReceivers() async throws {
        let wait = receive("a")
        try await lookedFor(1)
        _ = try await send("1", to: "a")
        _ = try await wait.answer
        let countBefore = store.receives.count
        while clock.scheduledCount > 0 { await Task.yield() }
        clock.advance(by: .seconds(10))
        #expect(store.receives.count == countBefore)
    }

    @Test(
        "A store that tries the names in turn does not let a busy channel drown out another", arguments: [true, false])
    func starvation(waits: Bool) async throws {
        try store.put("old", into: "quiet")
        for _ in 0..<20 {
            try store.put("new", into: "busy")
            let taken =
                waits
                ? try await receive("busy", "quiet").answer
                : try await backend.receiveMany(
                    [ChannelName("busy"), ChannelName("quiet")], options: ReceiveOptions())
            if taken.map(\.text) == ["old"] { return }
        }
        Issue.record("the quiet channel's message was not taken")
    }

    // MARK: The end of a wait

    @Test("At its time limit on the layer's clock, and not before, a wait ends with nothing")
    func timeLimit() async throws {
        let wait = receive("a", for: .seconds(30))
        try await lookedFor(1)
        clock.advance(by: .milliseconds(29_999))
        try await idle()
        try await waiting(1)
        clock.advance(by: .milliseconds(1))
        #expect(try await wait.answer.isEmpty)
    }

    @Test("Where the time limit has passed already, what is there is taken")
    func deadlinePassed() async throws {
        #expect(try await receive("a", for: .seconds(-1)).answer.isEmpty)
        try store.put("1", into: "a")
        #expect(try await receive("a", for: .zero).answer.count == 1)
    }

    @Test(
        "A wait that ends while its channel is being asked for has what was taken", arguments: [true, false],
        [true, false])
    func endsDuringCall(isCancelled: Bool, isFirstLook: Bool) async throws {
        if isFirstLook { store.holdReceives() }
        if isFirstLook { try store.put("1", into: "a") }
        let wait = receive("a", for: .seconds(30))
        if !isFirstLook {
            try await lookedFor(1)
            store.holdReceives()
            try store.put("1", into: "a")
            clock.advance(by: .milliseconds(5))
        }
        try await held(1)
        if isCancelled { wait.cancel() } else { clock.advance(by: .seconds(31)) }
        #expect(try await backend.stats().waiting == 1)
        store.letGo()
        #expect(try await wait.answer.map(\.text) == ["1"])
        #expect(try await backend.stats().waiting == 0)
    }

    @Test("What was taken for a wait that is over goes to who still waits")
    func goesToWhoStays() async throws {
        store.holdReceives()
        try store.put("1", into: "a")
        let first = receive("a")
        try await held(1)
        let second = receive("a")
        try await waiting(2)
        first.cancel()
        store.letGo()
        #expect(try await second.answer.map(\.text) == ["1"])
        await #expect(throws: CancellationError.self) { try await first.answer }
    }

    @Test("A wait for other channels than are being asked for ends at once")
    func endsAtOnce() async throws {
        store.holdReceives()
        let held1 = receive("a")
        try await held(1)
        let other = receive("b")
        try await waiting(2)
        other.cancel()
        await #expect(throws: CancellationError.self) { try await other.answer }
        store.letGo()
        held1.cancel()
        await #expect(throws: CancellationError.self) { try await held1.answer }
    }

    @Test("Shutdown ends all waits, and begins none")
    func shutdown() async throws {
        let wait = receive("a")
        try await lookedFor(1)
        await backend.shutdown()
        await #expect(throws: CancellationError.self) { try await wait.answer }
        await #expect(throws: CancellationError.self) { try await receive("a").answer }
        #expect(clock.scheduledCount == 0)
    }

    @Test("Names that are waited for are bounded in number")
    func bounded() async throws {
        let names = (0..<1000).map { "a\($0)" }
        store.holdReceives()
        let waits = (0..<1000).map { _ in receive(names) }
        try await waiting(1000)
        let error = await #expect(throws: ChannelError.self) { try await receive("one more").answer }
        #expect(error?.code == .layerFull)
        store.letGo()
        for wait in waits { wait.cancel() }
        for wait in waits { _ = try? await wait.answer }
    }

    // MARK: A store that fails

    @Test("A store that fails for a moment ends no wait")
    func failsForAMoment() async throws {
        let wait = receive("a", for: .seconds(60))
        try await lookedFor(1)
        store.fail(ChannelError(.backendUnavailable, "down"))
        for _ in 0..<10 { try await pass(.milliseconds(250)) }
        store.fail(nil)
        try store.put("1", into: "a")
        clock.advance(by: .milliseconds(250))
        #expect(try await wait.answer.map(\.text) == ["1"])
    }

    @Test("After five seconds of failures waits end with the error, a thousand at a time, who came first")
    func failsForLong() async throws {
        let waits = (0..<1500).map { _ in receive("a", for: .seconds(60)) }
        try await waiting(1500)
        try await idle()
        store.fail(ChannelError(.backendUnavailable, "down"))
        // The first failure is noticed within 250 ms.
        clock.advance(by: .milliseconds(250))
        try await idle()
        for _ in 0..<19 { try await pass(.milliseconds(250)) }
        #expect(try await backend.stats().waiting == 1500)
        try await pass(.milliseconds(250))
        #expect(try await backend.stats().waiting == 500)
        clock.advance(by: .milliseconds(250))
        for wait in waits {
            let error = await #expect(throws: ChannelError.self) { try await wait.answer }
            #expect(error?.code == .backendUnavailable)
        }
    }

    @Test("A wait whose time is up while the store fails ends with the error: there may be a message")
    func timeIsUpWhileFailing() async throws {
        let wait = receive("a", for: .seconds(1))
        try await lookedFor(1)
        store.fail(ChannelError(.backendUnavailable, "down"))
        for _ in 0..<3 { try await pass(.milliseconds(250)) }
        clock.advance(by: .milliseconds(250))
        let error = await #expect(throws: ChannelError.self) { try await wait.answer }
        #expect(error?.code == .backendUnavailable)
    }

    @Test("A wait goes on while any of its channels can be asked for; at its end it is told of those that cannot")
    func someChannelsFail() async throws {
        let wait = receive((0..<1500).map { "a\($0)" }, for: .seconds(10))
        try await lookedFor(1)
        // One of two calls for its channels.
        try store.failReceives(on: "a7")
        for _ in 0..<39 { try await pass(.milliseconds(250)) }
        try await waiting(1)
        clock.advance(by: .milliseconds(250))
        let error = await #expect(throws: ChannelError.self) { try await wait.value }
        #expect(error?.code == .backendUnavailable)
    }
}

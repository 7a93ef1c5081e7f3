import Synchronization
import Testing

@testable import Reactor

@Suite struct DeadlineHeapTests {
    @Test("Instants before the heap, and centuries away, keep their order")
    func farAway() {
        let before = ContinuousClock.now
        var heap = DeadlineHeap()
        let instants = [
            before, before + .seconds(6_000_000_000), before + .seconds(8_999_000_000),
            before + .seconds(20_000_000_000),
        ]
        let entries = instants.map { _ in DeadlineEntry() }
        for index in [2, 0, 3, 1] { heap.insert(entries[index], at: instants[index]) }
        // To the nanosecond, also before the heap was made.
        #expect(heap.earliest == before)
        let end = before + .seconds(30_000_000_000)
        for entry in entries { #expect(heap.popDue(at: end) === entry) }
        #expect(heap.popDue(at: end) == nil)
    }

    @Test("The heap gives out what a sorted list would, through insertions, moves and removals")
    func likeSortedList() {
        var random = SystemRandomNumberGenerator()
        let start = ContinuousClock.now
        var heap = DeadlineHeap()
        var expected: [(instant: ContinuousClock.Instant, entry: DeadlineEntry)] = []
        for _ in 0..<5000 {
            let instant = start + .milliseconds(Int.random(in: 0..<100_000, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let entry = DeadlineEntry()
                heap.insert(entry, at: instant)
                expected.append((instant, entry))
            case 5..<7:
                guard let index = expected.indices.randomElement(using: &random) else { continue }
                heap.move(expected[index].entry, to: instant)
                expected[index].instant = instant
            case 7..<9:
                guard let index = expected.indices.randomElement(using: &random) else { continue }
                heap.remove(expected[index].entry)
                heap.remove(expected[index].entry)
                expected.remove(at: index)
            default:
                let due = heap.popDue(at: instant)
                #expect((due == nil) == !expected.contains { $0.instant <= instant })
                guard let due, let index = expected.firstIndex(where: { $0.entry === due }) else { continue }
                #expect(expected[index].instant == expected.map(\.instant).min())
                expected.remove(at: index)
            }
            #expect(heap.earliest == expected.map(\.instant).min())
            #expect(heap.count == expected.count)
        }
    }
}

@Suite struct DeadlineTests {
    @Test("Deadlines run in the order of their instants, whatever the order in which they were set")
    func order() async throws {
        try await withLoop { loop in
            let seen = Shared<[Int]>([])
            // All are due when the loop looks: the order is the heap's, not the clock's.
            let base = loop.now - .seconds(1)
            for number in [3, 1, 4, 0, 2] {
                _ = loop.schedule(at: base + .milliseconds(number)) { seen.update { $0.append(number) } }
            }
            #expect(seen.value.isEmpty, "None runs within schedule")
            await withUnsafeContinuation { done in
                _ = loop.schedule(at: base + .milliseconds(5)) { done.resume() }
            }
            #expect(seen.value == [0, 1, 2, 3, 4])
        }
    }

    @Test("A deadline does not run before its instant")
    func notEarly() async throws {
        try await withLoop { loop in
            for milliseconds in [0, 1, 3, 20] {
                let instant = ContinuousClock.now + .milliseconds(milliseconds)
                await withUnsafeContinuation { done in
                    _ = loop.schedule(at: instant) { done.resume() }
                }
                #expect(ContinuousClock.now >= instant)
            }
        }
    }

    @Test("A cancelled deadline never runs, and leaves the heap at once", arguments: [true, false])
    func cancel(fromLoop: Bool) async throws {
        let ran = Shared(false)
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        let work: @Sendable () async -> Void = {
            let soon = ContinuousClock.now + .milliseconds(5)
            let deadline = loop.schedule(at: soon) { ran.value = true }
            deadline.cancel()
            deadline.cancel()
            await withUnsafeContinuation { done in
                _ = loop.schedule(at: soon + .milliseconds(5)) { done.resume() }
            }
        }
        if fromLoop { await Task(executorPreference: loop, operation: work).value } else { await work() }
        #expect(ran.value == false)
    }

    @Test("Of an action and its cancellation by another thread exactly one happens")
    func cancelRace() async throws {
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        let ran = Atomic<Int>(0)
        var cancelled = 0
        for round in 0..<500 {
            let deadline = loop.schedule(at: .now + .microseconds(round)) { ran.add(1, ordering: .relaxed) }
            if deadline.cancels() { cancelled += 1 }
        }
        await withUnsafeContinuation { done in
            _ = loop.schedule(at: .now + .milliseconds(5)) { done.resume() }
        }
        #expect(ran.load(ordering: .relaxed) + cancelled == 500)
    }
}

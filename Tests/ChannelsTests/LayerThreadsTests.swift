import ChannelsTesting
import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Channels

@Suite("Threads of a layer")
struct LayerThreadsTests {
    private let threads = LayerThreads(name: "layer test")

    @Test("There are as many as there is work, up to a limit; what is above it waits its turn")
    func bounded() async {
        let gate = DispatchSemaphore(value: 0)
        let running = Counter()
        let count = 3 * LayerThreads.threadsMax
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<count {
                tasks.addTask(executorPreference: threads) { [running] in
                    running.increment()
                    LayerThreadsTests.block(on: gate)
                }
            }
            while running.count < LayerThreads.threadsMax { await Task.yield() }
            #expect(threads.threadCount == LayerThreads.threadsMax)
            #expect(running.count == LayerThreads.threadsMax)
            for _ in 0..<count { gate.signal() }
        }
        #expect(running.count == count)
    }

    @Test("One call after the other needs few threads, and comes back to where it was called from")
    func oneAfterTheOther() async {
        for _ in 0..<100 {
            let executor = await withTaskExecutorPreference(threads) { await LayerThreadsTests.executor() }
            #expect(executor == threads.asUnownedTaskExecutor())
        }
        // One, and those that were started because it was not quite done with the call before.
        #expect(threads.threadCount < LayerThreads.threadsMax)
        #expect(await LayerThreadsTests.executor() == nil)
    }

    @Test("Closed, they end; what comes later is still done")
    func closed() async {
        _ = await withTaskExecutorPreference(threads) { await LayerThreadsTests.executor() }
        threads.close()
        while threads.threadCount > 0 { await Task.yield() }
        let executor = await withTaskExecutorPreference(threads) { await LayerThreadsTests.executor() }
        #expect(executor == threads.asUnownedTaskExecutor())
        while threads.threadCount > 0 { await Task.yield() }
    }

    @Test(
        "The system shows them under the layer's name, as much of it as it keeps",
        arguments: ["jobs", "jobs of the night"])
    func name(layer: String) async throws {
        let calls = OffLoopCalls(layer: layer)
        let shown = try await calls.run { try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }
        #expect(shown == "layer \(layer)".prefix(15) + "\n")
    }

    @Test("A backend that may block is called there, also one that can wait; one that never blocks is not")
    func calls() async throws {
        for neverBlocks in [false, true] {
            let store = NotingExecutors(traits: BackendTraits(neverBlocks: neverBlocks))
            let backend = Layer(name: "jobs", store: store, settings: LayerSettings(), clock: ManualClock()).backend
            _ = try await backend.groupMembers(GroupName("g"), options: GroupMembersOptions())
            _ = try await backend.receiveManyBlocking([ChannelName("a")], options: ReceiveOptions(), until: .now)
            #expect(store.isOnLayerThreads == [!neverBlocks, !neverBlocks])
            await backend.shutdown()
        }
    }

    @Test("Calls that run or queue are bounded: above that they are refused, with nothing done")
    func callsMax() async throws {
        let calls = OffLoopCalls(layer: "test")
        let gate = DispatchSemaphore(value: 0)
        let begun = Counter()
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<OffLoopCalls.callsMax {
                tasks.addTask {
                    begun.increment()
                    try? await calls.run { LayerThreadsTests.block(on: gate) }
                }
            }
            while begun.count < OffLoopCalls.callsMax || calls.count < OffLoopCalls.callsMax {
                await Task.yield()
            }
            let error = await #expect(throws: ChannelError.self) { try await calls.run {} }
            #expect(error?.code == .backendUnavailable)
            for _ in 0..<OffLoopCalls.callsMax { gate.signal() }
        }
        #expect(calls.count == 0)
        try await calls.run {}
    }

    @Test("A receive that queued until its client had gone takes nothing")
    func cancelledInQueue() async throws {
        let gate = DispatchSemaphore(value: 0)
        let store = ScriptedBackend(traits: BackendTraits())
        let backend = OffLoopBackend(store, layer: "test")
        try store.put("1", into: "a")
        let running = Counter()
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<LayerThreads.threadsMax {
                tasks.addTask(executorPreference: backend.calls.threads) {
                    running.increment()
                    LayerThreadsTests.block(on: gate)
                }
            }
            while running.count < LayerThreads.threadsMax { await Task.yield() }
            let receive = Task { try await backend.receiveMany([ChannelName("a")], options: ReceiveOptions()) }
            while backend.calls.threads.queuedCount < 1 { await Task.yield() }
            receive.cancel()
            for _ in 0..<LayerThreads.threadsMax { gate.signal() }
            await #expect(throws: CancellationError.self) { try await receive.value }
        }
        #expect(store.receives.isEmpty)
        await backend.shutdown()
    }

    /// Blocks the thread, as a store's client does.
    private static func block(on gate: DispatchSemaphore) { gate.wait() }

    private static func executor() async -> UnownedTaskExecutor? { currentExecutor() }
}

private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func increment() { value.add(1, ordering: .relaxed) }
}

/// Where the task at hand runs, where it has a wish.
private func currentExecutor() -> UnownedTaskExecutor? { withUnsafeCurrentTask { $0?.unownedTaskExecutor } }

/// Notes where it is called.
private final class NotingExecutors: WaitingChannelBackend {
    let traits: BackendTraits
    private let seen = Mutex<[Bool]>([])

    var isOnLayerThreads: [Bool] { seen.withLock { $0 } }

    init(traits: BackendTraits) { self.traits = traits }

    private func note() { seen.withLock { $0.append(currentExecutor() != nil) } }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        note()
        return SendReceipt(id: MessageID(epoch: 1, number: 1), pending: nil, capacity: nil)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { [] }
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        note()
        return []
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {}
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {}
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        note()
        return GroupMembersPage(channels: [], hasMore: false)
    }
}

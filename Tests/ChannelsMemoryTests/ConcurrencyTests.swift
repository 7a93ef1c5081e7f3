import Channels
import ChannelsMemory
import Synchronization
import Testing

@Suite("Many clients at once, on the memory backend")
struct ConcurrencyTests {
    /// Senders, receivers that wait, and receivers that are cancelled at any moment, all at once.
    @Test("Nothing is lost, doubled or reordered, although receivers are cancelled all the time")
    func cancellationStorm() async throws {
        let backend = try makeBackend()
        let (senders, perSender) = (4, 2_000)
        let journal = Journal()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for sender in 0..<senders {
                tasks.addTask {
                    for number in 0..<perSender {
                        _ = try await backend.send(
                            Message(content: Array("\(number)".utf8)), to: ChannelName("c\(sender)"),
                            options: SendOptions())
                        if number.isMultiple(of: 16) { await Task.yield() }
                    }
                }
            }
            for receiver in 0..<6 {
                tasks.addTask {
                    // Each receiver is on one channel, so that it sees its order.
                    let channel = try ChannelName("c\(receiver % senders)")
                    var round = 0
                    while journal.count < senders * perSender {
                        round += 1
                        let wait = Task {
                            let taken = try await backend.receiveManyBlocking(
                                [channel], options: ReceiveOptions(messagesMax: 3),
                                until: ContinuousClock.now + .milliseconds(20))
                            journal.note(taken, by: receiver)
                        }
                        for _ in 0..<(round % 5) { await Task.yield() }
                        if !round.isMultiple(of: 3) { wait.cancel() }
                        _ = await wait.result
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(journal.count == senders * perSender)
        #expect(journal.doubles == 0)
        #expect(journal.inversions == 0)
        let stats = try await backend.stats()
        #expect(stats.pending == 0)
        #expect(stats.counts?.delivered == senders * perSender)
        #expect(stats.waiting == 0)
    }

    @Test("A group send reaches each member once, while members join, leave, wait and poll on several threads")
    func groups() async throws {
        let backend = try makeBackend()
        let group = try GroupName("g")
        let (members, sends) = (8, 1_000)
        for member in 0..<members {
            try await backend.groupAdd(ChannelName("m\(member)"), to: group, options: GroupAddOptions())
        }
        let received = Received(members)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for member in 0..<members {
                tasks.addTask {
                    let channel = try ChannelName("m\(member)")
                    while received.numbers(of: member).count < sends {
                        let taken = try await backend.receiveManyBlocking(
                            [channel], options: ReceiveOptions(messagesMax: 1 + member),
                            until: ContinuousClock.now + .seconds(60))
                        received.note(taken, by: member)
                    }
                }
            }
            tasks.addTask {
                for _ in 0..<sends {
                    _ = try await backend.sendGroup(Message(content: [0x31]), to: group, options: GroupSendOptions())
                    await Task.yield()
                }
            }
            tasks.addTask {
                for round in 0..<sends {
                    let guest = try ChannelName("guest\(round % 7)")
                    try await backend.groupAdd(guest, to: group, options: GroupAddOptions())
                    if round.isMultiple(of: 2) { try await backend.groupDiscard(guest, from: group) }
                    await Task.yield()
                }
            }
            try await tasks.waitForAll()
        }
        for member in 0..<members {
            let numbers = received.numbers(of: member)
            #expect(numbers.count == sends)
            #expect(numbers == numbers.sorted() && Set(numbers).count == sends)
        }
    }

    private func makeBackend() throws -> MemoryBackend {
        var settings = LayerSettings()
        settings.capacity = 1_000_000
        return MemoryBackend(settings: settings, clock: ThreadClock(), epoch: 1)
    }
}

/// What receivers took: how much, how often a message that was taken already, and how often one that is older than what the
/// same receiver took before. (Two receivers of one channel may note their takes in either order; one alone may not.)
private final class Journal: Sendable {
    private struct State {
        var taken: Set<String> = []
        var doubles = 0
        var last: [Int: MessageID] = [:]
        var inversions = 0
    }
    private let state = Mutex(State())

    var count: Int { state.withLock(\.taken.count) }
    var doubles: Int { state.withLock(\.doubles) }
    var inversions: Int { state.withLock(\.inversions) }

    /// - Parameter receiver: on one channel only, one receive after the other.
    func note(_ deliveries: [Delivery], by receiver: Int) {
        state.withLock { state in
            for delivery in deliveries {
                if !state.taken.insert("\(delivery.channel) \(delivery.id)").inserted { state.doubles += 1 }
                if let last = state.last[receiver], delivery.id < last { state.inversions += 1 }
                state.last[receiver] = delivery.id
            }
        }
    }
}

/// The numbers of what each member received, in order.
private final class Received: Sendable {
    private let numbers: Mutex<[[UInt64]]>

    init(_ members: Int) { numbers = Mutex(Array(repeating: [], count: members)) }

    func note(_ deliveries: [Delivery], by member: Int) {
        numbers.withLock { $0[member] += deliveries.map(\.id.number) }
    }

    func numbers(of member: Int) -> [UInt64] { numbers.withLock { $0[member] } }
}

/// The time as it is; actions run as tasks of their own.
private struct ThreadClock: ChannelClock {
    var now: ContinuousClock.Instant { .now }

    func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> any ScheduledAction {
        let task = Task {
            try await Task.sleep(until: instant, clock: .continuous)
            action()
        }
        return Scheduled(task: task)
    }

    private struct Scheduled: ScheduledAction {
        let task: Task<Void, any Error>
        func cancel() { task.cancel() }
    }
}

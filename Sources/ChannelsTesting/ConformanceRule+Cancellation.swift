import Channels
import Synchronization

/// A client that hangs up cancels its receive, at any instant.
extension ConformanceRule {
    static let cancellation = [cancelledWait, cancelledAfterSend, cancelledAtAnyInstant, cancelledAmongMany]

    static let cancelledWait = ConformanceRule(
        "cancellation.wait", "A wait that is cancelled ends soon, has taken nothing, and takes nothing later",
        [.specification(12), .specification(7), .semantics(.waiting)]
    ) { trial in
        let wait = try trial.startReceive("a", "b")
        try await trial.receiversWait(1)
        wait.cancel()
        let taken = try await wait.deliveriesUnlessCancelled()
        try trial.requireEqual(taken.count, 0, "messages that it took")
        try await trial.receiversWait(0)
        for channel in ["a", "b"] {
            try await trial.send("1", to: channel)
            try await trial.requireMessages(["1"], in: channel, "sent after the wait was cancelled")
        }
    }

    /// The message has its receiver when the send has returned, which the cancellation then may not take from it.
    static let cancelledAfterSend = ConformanceRule(
        "cancellation.after-send", "A wait that is cancelled right after it was served does not lose what it took",
        [.specification(7), .semantics(.waiting)]
    ) { trial in
        for round in 0..<100 {
            let wait = try trial.startReceive("a")
            try await trial.receiversWait(1)
            try await trial.send("\(round)", to: "a")
            wait.cancel()
            try await requireOne("\(round)", of: wait, on: trial)
        }
    }

    static let cancelledAtAnyInstant = ConformanceRule(
        "cancellation.any-instant", "A wait that is cancelled at any instant neither loses nor doubles a message",
        [.specification(7), .semantics(.waiting)]
    ) { trial in
        for round in 0..<300 {
            let wait = try trial.startReceive("a")
            // From before it has begun to well after it is over, in steps of what a task does at a time; and both at once.
            let (beforeSend, beforeCancel) = (round % 6, round / 6 % 7)
            async let sending: Void = {
                for _ in 0..<beforeSend { await Task.yield() }
                try await trial.send("\(round)", to: "a")
            }()
            for _ in 0..<beforeCancel { await Task.yield() }
            wait.cancel()
            try await sending
            try await requireOne("\(round)", of: wait, on: trial)
        }
    }

    static let cancelledAmongMany = ConformanceRule(
        "cancellation.storm",
        "Nothing is lost, doubled or reordered while receivers among many are cancelled all the time",
        [.specification(6), .specification(7), .semantics(.waiting)],
        settings: { settings, _ in settings.capacity = 10_000 }
    ) { trial in
        let (senders, perSender) = (3, 200)
        let sendersLeft = Countdown(from: senders)
        let taken = try await withThrowingTaskGroup(of: [String].self) { tasks in
            for sender in 0..<senders {
                tasks.addTask {
                    for number in 0..<perSender {
                        try await trial.send("\(sender * 1000 + number)", to: "c\(sender)")
                        if number.isMultiple(of: 8) { await Task.yield() }
                    }
                    sendersLeft.countDown()
                    return []
                }
            }
            for receiver in 0..<5 {
                tasks.addTask {
                    // Each receiver is on one channel, so that it sees its order.
                    let channel = "c\(receiver % senders)"
                    var taken: [String] = []
                    for round in 0... {
                        let wait = try trial.startReceive(channel, max: 3)
                        for _ in 0..<(round % 5) { await Task.yield() }
                        wait.cancel()
                        taken += try await wait.deliveriesUnlessCancelled().map(\.text)
                        guard sendersLeft.isOver else { continue }
                        let rest = try await trial.take(channel, max: 3).map(\.text)
                        if rest.isEmpty { break }
                        taken += rest
                    }
                    let numbers = taken.compactMap { Int($0) }
                    for (before, after) in zip(numbers, numbers.dropFirst()) where after <= before {
                        throw Breach(expected: "a message younger than \(before)", seen: "\(after)")
                    }
                    return taken
                }
            }
            return try await tasks.reduce(into: [String: Int]()) { counts, texts in
                for text in texts { counts[text, default: 0] += 1 }
            }
        }
        try trial.requireEqual(taken.values.count { $0 > 1 }, 0, "messages that were delivered twice")
        try trial.requireEqual(taken.count, senders * perSender, "messages that were delivered")
    }

    /// The message is either what the wait took, or still there; not both, and not neither.
    private static func requireOne(_ text: String, of wait: PendingReceive, on trial: Trial) async throws {
        let taken = try await wait.deliveriesUnlessCancelled().map(\.text)
        let left = try await trial.take("a", max: 10).map(\.text)
        try trial.requireEqual(taken + left, [text], "taken by the cancelled wait, or still there")
    }
}

/// How many are left.
private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(from count: Int) { left = Mutex(count) }

    var isOver: Bool { left.withLock { $0 == 0 } }

    func countDown() { left.withLock { $0 -= 1 } }
}

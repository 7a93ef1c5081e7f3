import Channels

/// What callers have left for the writer's thread. Everything in it is bounded.
struct Intake {
    private var calls: [any Call] = []
    var ends: [(waiter: Waiter, end: WaitEnd)] = []
    private(set) var unansweredCalls = 0
    private var unansweredBytes = 0
    private var isAsleep = false
    var isClosing = false
    var isClosed = false
    var onClosed: [@Sendable () -> Void] = []

    /// Takes a call, or says why not.
    mutating func take(_ call: any Call) -> String? {
        guard !isClosing else { return "The layer is closed." }
        let hasRoom =
            unansweredCalls < Self.unansweredCallsMax
            && (unansweredBytes == 0 || unansweredBytes + call.contentBytes <= Self.unansweredBytesMax)
        guard hasRoom || call.mustNotFail else {
            return "The layer's store does not keep up with what is asked of it. Try again later."
        }
        unansweredCalls += 1
        unansweredBytes += call.contentBytes
        calls.append(call)
        return nil
    }

    /// One that was taken has its answer.
    mutating func forget(_ call: any Call) {
        unansweredCalls -= 1
        unansweredBytes -= call.contentBytes
    }

    /// True where the thread sleeps, and there is something for it to do: it is to be woken.
    mutating func wakesUp() -> Bool {
        guard isAsleep, !calls.isEmpty || !ends.isEmpty || isClosing else { return false }
        isAsleep = false
        return true
    }

    /// Takes out what the next transaction is for; `before` comes first. Where that is nothing, the thread goes to sleep.
    mutating func nextBatch(after before: [any Call]) -> (calls: [any Call], ends: [(waiter: Waiter, end: WaitEnd)]) {
        var batch = before
        var contentBytes = before.reduce(0) { $0 + $1.contentBytes }
        var count = 0
        // However much is repeated, others have their turn.
        let countMax = max(Self.batchCallsMax - before.count, Self.newCallsMin)
        while count < min(calls.count, countMax), contentBytes < Self.batchContentBytesMax {
            contentBytes += calls[count].contentBytes
            batch.append(calls[count])
            count += 1
        }
        calls.removeFirst(count)
        defer { ends = [] }
        isAsleep = batch.isEmpty && ends.isEmpty && !isClosing
        return (batch, ends)
    }

    /// Calls in one transaction at most, and bytes of their content beyond which no other joins.
    private static let batchCallsMax = 1024
    private static let batchContentBytesMax = 64 << 20
    /// So many that were not there before join those that are repeated.
    private static let newCallsMin = 256
    /// Calls that wait for an answer at most, and bytes of their content; more are refused.
    private static let unansweredCallsMax = 65_536
    private static let unansweredBytesMax = 256 << 20
}

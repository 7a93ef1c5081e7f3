/// What is ready to run on a loop.
enum ReadyWork {
    case job(UnownedJob)
    case action(@Sendable () -> Void)
}

/// First in, first out: the work that is ready to run on a loop.
///
/// An array and the index of its head. The room before the head is given up when the queue runs empty, which it does at
/// least once a turn unless more becomes ready than a turn runs; then when it is most of the array.
struct ReadyQueue {
    /// Nil where it was taken.
    private var work: [ReadyWork?] = []
    private var head = 0

    var isEmpty: Bool { head == work.count }
    var count: Int { work.count - head }

    mutating func append(_ next: ReadyWork) {
        work.append(next)
    }

    mutating func popFirst() -> ReadyWork? {
        guard head < work.count else { return nil }
        let first = work[head].take()
        head += 1
        if head == work.count {
            work.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head > work.count / 2 {
            work.removeFirst(head)
            head = 0
        }
        return first
    }
}

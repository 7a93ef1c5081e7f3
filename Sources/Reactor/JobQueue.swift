/// First in, first out: the jobs that are ready to run on a loop.
///
/// An array and the index of its head. The room before the head is given up when the queue runs empty, which it does at
/// least once a turn unless more becomes ready than a turn runs; then when it is most of the array.
struct JobQueue {
    private var jobs: [UnownedJob] = []
    private var head = 0

    var isEmpty: Bool { head == jobs.count }

    mutating func append(_ job: UnownedJob) {
        jobs.append(job)
    }

    mutating func popFirst() -> UnownedJob? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head > jobs.count / 2 {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}

import Foundation

/// What a process has computed so far.
struct ProcessorTime {
    /// In nanoseconds, exact.
    private var total: Int
    /// In ticks of 10 ms: how the total is shared out.
    private var userTicks: Int
    private var systemTicks: Int

    /// With the processes that its main thread has started; all zero where there is no such process.
    init(of pid: pid_t) {
        self.init()
        let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        for process in [pid] + children.split(separator: " ").compactMap({ pid_t($0) }) {
            var clock = clockid_t()
            if clock_getcpuclockid(process, &clock) == 0 { add(clock, statistics: "/proc/\(process)/stat") }
        }
    }

    /// That of the thread that asks.
    static var ofThisThread: ProcessorTime {
        var time = ProcessorTime()
        time.add(CLOCK_THREAD_CPUTIME_ID, statistics: "/proc/thread-self/stat")
        return time
    }

    private init() { (total, userTicks, systemTicks) = (0, 0, 0) }

    private mutating func add(_ clock: clockid_t, statistics path: String) {
        var time = timespec()
        clock_gettime(clock, &time)
        total += time.tv_sec * 1_000_000_000 + time.tv_nsec
        // proc(5): behind the name, in parentheses, utime and stime are the twelfth and thirteenth field.
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return }
        userTicks += user
        systemTicks += system
    }

    /// For each of `count` operations since `start`, in microseconds. Without a tick in between, all of it counts as system.
    func perOperation(of count: Int, since start: ProcessorTime) -> (user: Double, system: Double) {
        let microseconds = Double(total - start.total) / 1000 / Double(max(1, count))
        let (user, system) = (userTicks - start.userTicks, systemTicks - start.systemTicks)
        let userShare = user + system > 0 ? Double(user) / Double(user + system) : 0
        return (microseconds * userShare, microseconds * (1 - userShare))
    }

    func microseconds(since start: ProcessorTime) -> Double { Double(total - start.total) / 1000 }
}

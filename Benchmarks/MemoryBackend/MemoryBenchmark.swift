import Channels
import ChannelsMemory
import Glibc

/// Prints what laziness promises of the memory backend: a memory limit that means resident bytes, a group send that costs the
/// same for one member and for a million, and a first receive that does not care how far it is behind.
///
///     make bench-memory
@main
struct MemoryBenchmark {
    private let clock = StillClock()
    private let group = try! GroupName("g")
    private let text = #"{"text":"hello, this is a message of fifty-four bytes"}"#
    private let rounds = 9

    static func main() async throws {
        // Off the main actor, to which each call would otherwise return.
        try await Task.detached { try await MemoryBenchmark().run() }.value
    }

    private func run() async throws {
        try await measureMemoryLimit()
        try await measureGroupSends()
        try await measureLag()
    }

    private func measureMemoryLimit() async throws {
        let limit = 256 << 20
        let before = Self.residentBytes()
        let backend = makeBackend(memoryBytesMax: limit)
        try await join(1_000, backend)
        var accepted = 0
        for _ in 0..<1_000_000 {
            do {
                _ = try await backend.sendGroup(makeMessage(), to: group, options: GroupSendOptions())
                accepted += 1
            } catch let error as ChannelError where error.code == .layerFull {
                continue
            }
        }
        print(
            "1,000,000 group sends to 1,000 members that read nothing, limit \(limit >> 20) MiB: \(accepted) accepted, "
                + "\(1_000_000 - accepted) refused as layer-full, \((Self.residentBytes() - before) >> 20) MiB resident"
        )
    }

    private func measureGroupSends() async throws {
        let sizes = [1, 1_000, 1_000_000]
        let sendsPerRound = 20_000
        var backends: [MemoryBackend] = []
        for size in sizes {
            let backend = makeBackend()
            let before = Self.residentBytes()
            try await join(size, backend)
            if size > 1_000 {
                let resident = (Self.residentBytes() - before) / size
                let counted = try await backend.stats().bytes! / size
                print("a member of a group: \(resident) resident bytes, counted as \(counted)")
            }
            backends.append(backend)
        }
        var times: [[Double]] = sizes.map { _ in [] }
        for _ in 0..<rounds {
            for (index, backend) in backends.enumerated() {
                let time = try await ContinuousClock().measure {
                    for _ in 0..<sendsPerRound {
                        _ = try await backend.sendGroup(makeMessage(), to: group, options: GroupSendOptions())
                    }
                }
                times[index].append(time / .nanoseconds(1) / Double(sendsPerRound))
            }
        }
        for (index, size) in sizes.enumerated() {
            let ratio = Self.median(zip(times[index], times[0]).map { $0 / $1 })
            print(
                "sendGroup to \(size) members: \(Int(Self.median(times[index]))) ns, "
                    + "\(Self.rounded(ratio)) × one member (median of \(rounds) rounds)")
        }
    }

    private func measureLag() async throws {
        var near: [Double] = []
        var far: [Double] = []
        for _ in 0..<rounds {
            near.append(try await firstReceive(entriesBehind: 100))
            far.append(try await firstReceive(entriesBehind: 100_000))
        }
        let ratio = Self.median(zip(far, near).map { $0 / $1 })
        print(
            "first receive, 100 entries behind: \(Int(Self.median(near))) ns; 100,000 behind: \(Int(Self.median(far))) ns, "
                + "\(Self.rounded(ratio)) × (median of \(rounds) rounds)")
    }

    /// Nanoseconds, the median of 200 members.
    private func firstReceive(entriesBehind: Int) async throws -> Double {
        let backend = makeBackend()
        try await join(201, backend)
        for _ in 0..<entriesBehind {
            _ = try await backend.sendGroup(makeMessage(), to: group, options: GroupSendOptions())
        }
        var times: [Double] = []
        for member in 0..<200 {
            let name = try [ChannelName("user.\(member)")]
            let time = try await ContinuousClock().measure {
                _ = try await backend.receiveMany(name, options: ReceiveOptions())
            }
            times.append(time / .nanoseconds(1))
        }
        return Self.median(times)
    }

    // MARK: -

    private func makeBackend(memoryBytesMax: Int = 16 << 30) -> MemoryBackend {
        var settings = LayerSettings()
        settings.memoryBytesMax = memoryBytesMax
        settings.expiry = .seconds(100_000)
        return MemoryBackend(settings: settings, clock: clock, epoch: 1)
    }

    private func join(_ count: Int, _ backend: MemoryBackend) async throws {
        for member in 0..<count {
            try await backend.groupAdd(ChannelName("user.\(member)"), to: group, options: GroupAddOptions())
        }
    }

    /// With a content of its own, as each request brings one.
    private func makeMessage() -> Message { Message(content: Array(text.utf8)) }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    private static func residentBytes() -> Int {
        let file = open("/proc/self/statm", O_RDONLY)
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = read(file, &text, 128)
        let fields = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
        return Int(fields[1])! * Int(getpagesize())
    }
}

/// Time as it is. What is scheduled never runs, as nothing expires here.
private struct StillClock: ChannelClock {
    struct Never: ScheduledAction { func cancel() {} }
    var now: ContinuousClock.Instant { .now }
    func schedule(at: ContinuousClock.Instant, _: @escaping @Sendable () -> Void) -> any ScheduledAction { Never() }
}

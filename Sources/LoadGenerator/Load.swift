import Histogram
package import Reactor

/// Requests sent by a number of connections at once, each connection one after the other.
package struct Load: Sendable {
    package var address: SocketAddress
    package var connectionsCount = 64
    /// The requests of one connection, by number from 0; nil where it has done enough.
    package var request: @Sendable (_ connection: Int, _ number: Int) -> [UInt8]?
    /// What counts as success: anything else is told in the report.
    package var isExpected: @Sendable (_ status: Int) -> Bool = { (200..<300).contains($0) }
    /// No request begins after this.
    package var duration: Duration?

    package init(
        to address: SocketAddress, request: @escaping @Sendable (_ connection: Int, _ number: Int) -> [UInt8]?
    ) {
        self.address = address
        self.request = request
    }

    /// Runs to the end.
    ///
    /// - Parameter loop: Started; it does the work of all connections.
    /// - Throws: `SystemError` or ``LoadConnection/Broken`` where the server went away.
    package func run(on loop: EventLoop) async throws -> LoadReport {
        try await Task(executorPreference: loop) { try await runOnLoop(loop) }.value
    }

    private func runOnLoop(_ loop: EventLoop) async throws -> LoadReport {
        let start = ContinuousClock.now
        let end = duration.map { start + $0 }
        let report = LoopReport()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<connectionsCount {
                group.addTask(executorPreference: loop) {
                    try await serve(connection: number, on: loop, until: end, to: report)
                }
            }
            try await group.waitForAll()
        }
        var result = report.value
        result.duration = ContinuousClock.now - start
        return result
    }

    private nonisolated(nonsending) func serve(
        connection number: Int, on loop: EventLoop, until end: ContinuousClock.Instant?, to report: LoopReport
    ) async throws {
        let connection = try LoadConnection(to: address, on: loop)
        var count = 0
        while let request = request(number, count) {
            let begin = ContinuousClock.now
            if let end, begin >= end { return }
            let answer = try await connection.exchange(request)
            report.add(answer.status, isExpected(answer.status), latency: ContinuousClock.now - begin)
            count += 1
        }
    }
}

/// What came of a load.
package struct LoadReport: Sendable {
    package var requestsCount = 0
    /// From the first connection to the last answer.
    package var duration = Duration.zero
    /// Answers with another status than expected, by status.
    package var unexpected: [Int: Int] = [:]
    /// From the first byte of a request to the last of its answer, in nanoseconds.
    package var latencies = Latencies()

    package var requestsPerSecond: Double { Double(requestsCount) / (duration / .seconds(1)) }
}

/// A histogram of latencies, from a microsecond to a minute, to three digits.
package struct Latencies: Sendable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)

    package init() {}

    package var count: UInt64 { histogram.totalCount }

    package mutating func record(_ latency: Duration) {
        let (seconds, attoseconds) = latency.components
        histogram.record(UInt64(max(0, min(59_000_000_000, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))))
    }

    /// The latency that so many percent of all are not above.
    package func percentile(_ percent: Double) -> Duration {
        .nanoseconds(Int64(histogram.valueAtPercentile(percent)))
    }
}

/// A report that the tasks of one loop share.
// SAFETY: touched on the loop only, and read when its tasks have ended.
private final class LoopReport: @unchecked Sendable {
    var value = LoadReport()

    func add(_ status: Int, _ isExpected: Bool, latency: Duration) {
        value.requestsCount += 1
        if !isExpected { value.unexpected[status, default: 0] += 1 }
        value.latencies.record(latency)
    }
}

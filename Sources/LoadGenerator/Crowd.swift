package import Reactor
import Synchronization

/// Many connections that each wait for one answer, as receivers in wait do.
package struct Crowd: Sendable {
    package var address: SocketAddress
    package var count: Int
    /// What each of them asks; it is to wait until something is published.
    package var request: @Sendable (_ number: Int) -> [UInt8]

    package init(of count: Int, to address: SocketAddress, request: @escaping @Sendable (_ number: Int) -> [UInt8]) {
        self.address = address
        self.count = count
        self.request = request
    }

    package struct Report: Sendable {
        /// From the call of the publisher to each receiver's last byte.
        package var latencies = Latencies()
        /// Answers other than 200, by status.
        package var unexpected: [Int: Int] = [:]
        /// Until the last of them had its answer.
        package var duration = Duration.zero
    }

    /// Sends all requests, lets `publish` do its part, and returns when all have their answers.
    ///
    /// - Parameters:
    ///   - loop: Started; it does the work of all connections.
    ///   - publish: Called when all requests are sent; it is to see to it that they have arrived, and returns the instant from
    ///     which latencies count.
    package nonisolated(nonsending) func run(
        on loop: EventLoop, publish: () async throws -> ContinuousClock.Instant
    ) async throws -> Report {
        let answers = Answers()
        let sent = AsyncStream<Void>.makeStream()
        let begin = try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask(executorPreference: loop) { [address, request] in
                    let connection = try LoadConnection(to: address, on: loop)
                    try await connection.send(request(number))
                    sent.continuation.yield()
                    let answer = try await connection.answer()
                    answers.add(answer.status)
                }
            }
            var arrivals = sent.stream.makeAsyncIterator()
            for _ in 0..<count { _ = await arrivals.next() }
            let begin = try await publish()
            try await group.waitForAll()
            return begin
        }
        var report = Report()
        for (instant, status) in answers.all {
            report.latencies.record(instant - begin)
            report.duration = max(report.duration, instant - begin)
            if status != 200 { report.unexpected[status, default: 0] += 1 }
        }
        return report
    }

    private final class Answers: Sendable {
        private let list = Mutex<[(at: ContinuousClock.Instant, status: Int)]>([])

        var all: [(at: ContinuousClock.Instant, status: Int)] { list.withLock { $0 } }

        func add(_ status: Int) { list.withLock { $0.append((.now, status)) } }
    }
}

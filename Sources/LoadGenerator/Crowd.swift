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
    /// The connections stay open until `answered`, which is called then, has returned.
    ///
    /// - Parameters:
    ///   - loop: Started; it does the work of all connections.
    ///   - publish: Called when all requests are sent; it is to see to it that they have arrived, and returns the instant from
    ///     which latencies count.
    package nonisolated(nonsending) func run(
        on loop: EventLoop, publish: () async throws -> ContinuousClock.Instant, answered: () -> Void = {}
    ) async throws -> Report {
        let answers = Answers()
        let sent = AsyncStream<Void>.makeStream()
        let ends = AsyncStream<(any Error)?>.makeStream()
        let gate = Gate()
        let begin = try await withThrowingTaskGroup(of: Void.self) { group in
            defer { gate.open() }
            for number in 0..<count {
                group.addTask(executorPreference: loop) { [address, request] in
                    var hasSent = false
                    do {
                        let connection = try LoadConnection(to: address, on: loop)
                        try await connection.send(request(number))
                        hasSent = true
                        sent.continuation.yield()
                        answers.add(try await connection.answer().status)
                        ends.continuation.yield(nil)
                        await gate.pass()
                        withExtendedLifetime(connection) {}
                    } catch {
                        if !hasSent { sent.continuation.yield() }
                        ends.continuation.yield(error)
                    }
                }
            }
            var arrivals = sent.stream.makeAsyncIterator()
            for _ in 0..<count { _ = await arrivals.next() }
            let begin = try await publish()
            var endings = ends.stream.makeAsyncIterator()
            for _ in 0..<count {
                if let error = await endings.next() ?? nil { throw error }
            }
            answered()
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

    /// Closed until it is opened, for all who stand before it.
    private final class Gate: Sendable {
        private let state = Mutex<(isOpen: Bool, waiting: [UnsafeContinuation<Void, Never>])>((false, []))

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }

        func pass() async {
            await withUnsafeContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }
    }
}

import LoadGenerator
import Reactor

/// Long-polls that wait, and what answers them.
extension Bench {
    func publishToPoll() throws -> Row {
        let (laurel, nchan) = (try laurel(), try nchan())
        func latency(_ server: ServerProcess, poll: String, publish: String) -> () async throws -> Sample {
            let publish = Request.make("POST", publish, Request.message)
            let poll = Request.make("GET", poll)
            let count = 500 * seconds
            return {
                try await server.measure {
                    let latencies = try await Task(executorPreference: loop) {
                        let (receiver, sender) = (
                            try LoadConnection(to: server.address, on: loop),
                            try LoadConnection(to: server.address, on: loop)
                        )
                        var latencies = Latencies()
                        for _ in 0..<count {
                            try await receiver.send(poll)
                            // Time for it to be parked; on one loop the server sees it long before.
                            try await pause(.microseconds(500))
                            let begin = ContinuousClock.now
                            try await sender.send(publish)
                            guard try await receiver.answer().status == 200 else {
                                throw Sample.Void(description: "a poll was not answered")
                            }
                            latencies.record(ContinuousClock.now - begin)
                            _ = try await sender.answer()
                        }
                        return latencies
                    }.value
                    var sample = Sample(count)
                    sample.p50 = latencies.percentile(50)
                    sample.p99 = latencies.percentile(99)
                    return sample
                }
            }
        }
        return Row(
            title: "Publish to one parked long-poll", goal: "p50 and p99 ≤ 0.9 × nchan",
            cases: [
                .init(
                    name: "Laurel", run: latency(laurel, poll: "/receive?channels=p&timeout=60", publish: "/channels/p")
                ),
                .init(name: "nchan", run: latency(nchan, poll: "/sub/p", publish: "/pub/p")),
            ])
    }

    func groupToPolls(_ count: Int) throws -> Row {
        let (laurel, nchan) = (try laurel(), try nchan())
        return Row(
            title: "Group send to \(count) parked long-polls", unit: "receiver",
            goal: count == 10_000 ? "≤ 0.6 × nchan a receiver; resident ≤ 4 KiB a poll" : "",
            cases: [
                .init(name: "Laurel") {
                    try await join(count, to: "g", on: laurel)
                    let poll = { @Sendable (number: Int) in
                        Request.make("GET", "/receive?channels=c\(number)&timeout=120")
                    }
                    return try await crowd(count, on: laurel, poll: poll, publish: "/groups/g") {
                        try await waitForReceivers(count, on: laurel)
                    }
                },
                .init(name: "nchan") {
                    let poll = { @Sendable (number: Int) in Request.make("GET", "/sub/g\(count)") }
                    return try await crowd(count, on: nchan, poll: poll, publish: "/pub/g\(count)") {
                        // It tells no number; its processor time stands still when all are parked.
                        try await waitUntilIdle(nchan)
                    }
                },
            ])
    }

    private func crowd(
        _ count: Int, on server: ServerProcess, poll: @escaping @Sendable (Int) -> [UInt8], publish: String,
        parked: () async throws -> Void
    ) async throws -> Sample {
        let before = server.residentBytes
        var answering = ServerProcess.ProcessorTime(user: 0, system: 0)
        var note = ""
        let report = try await Crowd(of: count, to: server.address, request: poll).run(on: loop) {
            try await parked()
            note = "\((server.residentBytes - before) / count) resident bytes a poll"
            answering = server.processorTime
            let begin = ContinuousClock.now
            let answer = try await once(server, Request.make("POST", publish, Request.message))
            guard (200..<300).contains(answer.status) else { throw Sample.Void(description: "status \(answer.status)") }
            return begin
        }
        guard report.unexpected.isEmpty else { throw Sample.Void(description: "unexpected: \(report.unexpected)") }
        let after = server.processorTime
        var sample = Sample(count)
        sample.userMicroseconds = (after.user - answering.user) * 1e6 / Double(count)
        sample.systemMicroseconds = (after.system - answering.system) * 1e6 / Double(count)
        sample.p50 = report.latencies.percentile(50)
        sample.p99 = report.latencies.percentile(99)
        sample.note = note
        return sample
    }
}

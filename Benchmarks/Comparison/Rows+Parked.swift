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

    /// Each run has a server of its own: one that has had a crowd before has its memory still.
    func groupToPolls(_ count: Int) throws -> Row {
        Row(
            title: "Group send to \(count) parked long-polls", unit: "receiver",
            goal: count == 10_000 ? "≤ 0.6 × nchan a receiver; resident ≤ 4 KiB a poll" : "",
            cases: [
                .init(name: "Laurel") {
                    let laurel = try laurel()
                    defer { stop(laurel) }
                    // The members' channels count, too.
                    let residentBefore = laurel.residentBytes
                    try await join(count, to: "g", on: laurel)
                    let poll = { @Sendable (number: Int) in
                        Request.make("GET", "/receive?channels=c\(number)&timeout=120")
                    }
                    return try await crowd(
                        count, on: laurel, residentBefore: residentBefore, poll: poll, publish: "/groups/g"
                    ) {
                        try await waitForReceivers(count, on: laurel)
                    }
                },
                .init(name: "nchan") {
                    let nchan = try nchan()
                    defer { stop(nchan) }
                    let poll = { @Sendable (number: Int) in Request.make("GET", "/sub/g") }
                    return try await crowd(
                        count, on: nchan, residentBefore: nchan.residentBytes, poll: poll, publish: "/pub/g"
                    ) {
                        // It tells no number; its processor time stands still when all are parked.
                        try await waitUntilIdle(nchan)
                    }
                },
            ])
    }

    /// What is measured is the answering: the connections stay open until it is done.
    private func crowd(
        _ count: Int, on server: ServerProcess, residentBefore: Int, poll: @escaping @Sendable (Int) -> [UInt8],
        publish: String, parked: () async throws -> Void
    ) async throws -> Sample {
        var sample = Sample(count)
        var answering = server.processorTime
        let report = try await Crowd(of: count, to: server.address, request: poll).run(on: loop) {
            try await parked()
            sample.note = "\((server.residentBytes - residentBefore) / count) resident bytes a poll"
            answering = server.processorTime
            let begin = ContinuousClock.now
            let answer = try await once(server, Request.make("POST", publish, Request.message))
            guard (200..<300).contains(answer.status) else { throw Sample.Void(description: "status \(answer.status)") }
            return begin
        } answered: {
            sample.setProcessorTime(server.processorTime, since: answering)
        }
        guard report.unexpected.isEmpty else { throw Sample.Void(description: "unexpected: \(report.unexpected)") }
        sample.p50 = report.latencies.percentile(50)
        sample.p99 = report.latencies.percentile(99)
        return sample
    }
}

import LoadGenerator
import Reactor

/// What laziness promises of groups, over HTTP.
extension Bench {
    func groupSend() throws -> Row {
        let laurel = try laurel()
        let post = { (size: Int) -> () async throws -> Sample in
            let request = Request.make("POST", "/groups/size\(size)", Request.message)
            return {
                try await join(size, to: "size\(size)", on: laurel)
                var load = Load(to: laurel.address) { _, _ in request }
                load.duration = .seconds(seconds)
                return try await measure(load, of: laurel)
            }
        }
        return Row(
            title: "Group send, nobody waits", goal: "1,000,000 members ≤ 1.5 × one",
            cases: [
                .init(name: "1,000,000 members", run: post(1_000_000)), .init(name: "1,000 members", run: post(1000)),
                .init(name: "1 member", run: post(1)),
            ])
    }

    /// Each of very many members receives for the first time after a group send.
    func laggards() throws -> Row {
        let laurel = try laurel()
        let count = 1_000_000
        return Row(
            title: "A million members that lag, read once each",
            cases: [
                .init(name: "first receive after one group send") {
                    try await join(count, to: "lag", on: laurel)
                    _ = try await once(laurel, Request.make("POST", "/groups/lag", Request.message))
                    var load = makeLoad(count, to: laurel) { Request.make("GET", "/receive?channels=c\($0)") }
                    load.isExpected = { $0 == 200 }
                    return try await measure(load, of: laurel)
                }
            ])
    }

    func manyChannels() throws -> Row {
        let laurel = try laurel()
        func fill(_ range: Range<Int>) -> () async throws -> Sample {
            {
                let load = makeLoad(range.count, to: laurel) {
                    Request.make("POST", "/channels/k\(range.lowerBound + $0)", Request.message)
                }
                return try await measure(load, of: laurel)
            }
        }
        return Row(
            title: "A million channels with one message each", goal: "no faster than log n",
            cases: [
                .init(name: "sends to the last 100,000 of 1,000,000") {
                    _ = try await fill(100_000..<900_000)()
                    return try await fill(900_000..<1_000_000)()
                },
                .init(name: "sends to the first 100,000") {
                    try await flush(laurel)
                    return try await fill(0..<100_000)()
                },
            ])
    }

    /// An unrelated send every half millisecond, while something concerns very many.
    func disturbances() throws -> Row {
        let laurel = try laurel(loops: 2)
        let count = 1_000_000
        let quiet = { try await probe(laurel) { try await pause(.seconds(Double(seconds))) } }
        let load = { (method: String, query: String) in
            try await run(count, on: laurel) { Request.make(method, "/groups/d/c\($0)\(query)") }
        }
        return Row(
            title: "An unrelated send's latency, 2 loops",
            goal: "p99 ≤ 2 × undisturbed (load and probe run on the same machine)",
            cases: [
                .init(name: "undisturbed", run: quiet, comparesLatency: true),
                .init(name: "beside as many sends") {
                    try await probe(laurel) {
                        try await run(count, on: laurel) { _ in Request.make("POST", "/channels/x", Request.message) }
                    }
                },
                .init(name: "1,000,000 members join") {
                    try await probe(laurel) { try await load("PUT", "?expiry=20") }
                },
                .init(name: "they lapse") { try await probe(laurel) { try await pause(.seconds(22)) } },
                .init(name: "1,000,000 are removed as a group") {
                    try await load("PUT", "")
                    return try await probe(laurel) {
                        _ = try await once(laurel, Request.make("DELETE", "/groups/d"))
                        try await pause(.seconds(5))
                    }
                },
                .init(name: "1,000,000 are flushed") {
                    try await load("PUT", "")
                    return try await probe(laurel) { try await flush(laurel) }
                },
            ])
    }

    private func probe(_ server: ServerProcess, during work: () async throws -> Void) async throws -> Sample {
        let isOver = Flag()
        let request = Request.make("POST", "/channels/unrelated?expiry=1", Request.message)
        // On a loop of its own, so that what the load waits for here is not taken for the server's.
        let probeLoop = try EventLoop(name: "probe")
        try probeLoop.start()
        defer { probeLoop.stop() }
        async let latencies = Task(executorPreference: probeLoop) {
            let connection = try LoadConnection(to: server.address, on: probeLoop)
            var latencies = Latencies()
            while !isOver.isSet {
                let begin = ContinuousClock.now
                guard try await connection.exchange(request).status == 202 else {
                    throw Sample.Void(description: "an unrelated send was refused")
                }
                latencies.record(ContinuousClock.now - begin)
                try await pause(.microseconds(500))
            }
            return latencies
        }.value
        do {
            try await work()
        } catch {
            // Or the probe would go on, and be waited for.
            isOver.set()
            throw error
        }
        isOver.set()
        let measured = try await latencies
        var sample = Sample(Int(measured.count))
        sample.p50 = measured.percentile(50)
        sample.p99 = measured.percentile(99)
        sample.note = "worst \(Int(measured.percentile(100) / .microseconds(1))) µs"
        return sample
    }
}

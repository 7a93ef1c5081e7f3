import LoadGenerator

/// What one run of one server gave.
struct Sample {
    var operationsCount: Int
    var operationsPerSecond: Double?
    /// Of the server, for each operation, in microseconds.
    var userMicroseconds: Double
    var systemMicroseconds: Double
    /// The same with what stands behind the server, where something does.
    var wholeMicroseconds: Double?
    var p50: Duration?
    var p99: Duration?
    /// What else there is to say.
    var note = ""

    var processorMicroseconds: Double { userMicroseconds + systemMicroseconds }

    /// A run with an answer other than expected is void.
    struct Void: Error, CustomStringConvertible {
        let description: String
    }
}

extension ServerProcess {
    /// Measures what `work` costs this server. It returns how many operations it was.
    func measure(_ work: () async throws -> Sample) async throws -> Sample {
        let (before, beforeBehind) = (processorTime, behind?.processorTime)
        var sample = try await work()
        sample.setProcessorTime(processorTime, since: before)
        if let behind, let beforeBehind {
            let microseconds = behind.processorTime.microseconds(since: beforeBehind)
            sample.wholeMicroseconds =
                sample.processorMicroseconds + microseconds / Double(max(1, sample.operationsCount))
        }
        return sample
    }
}

extension Sample {
    init(_ operationsCount: Int) {
        self.init(operationsCount: operationsCount, userMicroseconds: 0, systemMicroseconds: 0)
    }

    mutating func setProcessorTime(_ now: ProcessorTime, since start: ProcessorTime) {
        (userMicroseconds, systemMicroseconds) = now.perOperation(of: operationsCount, since: start)
    }

    /// - Throws: ``Void`` for a report with unexpected answers.
    init(_ report: LoadReport) throws {
        guard report.unexpected.isEmpty else { throw Void(description: "unexpected answers: \(report.unexpected)") }
        self.init(report.requestsCount)
        operationsPerSecond = report.requestsPerSecond
        p50 = report.latencies.percentile(50)
        p99 = report.latencies.percentile(99)
    }
}

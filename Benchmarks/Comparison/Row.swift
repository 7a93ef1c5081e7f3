/// One line of the table: some work, done by several servers in turn.
struct Row {
    var title: String
    /// What the processor time is given for: a request, a receiver.
    var unit = "request"
    /// DESIGN's goal, in words, where there is one.
    var goal = ""
    /// What exactly is held against what, where the names of the cases do not say it.
    var remark = ""
    /// The first is Laurel, or the case that the others are held against.
    var cases: [Case]

    struct Case {
        var name: String
        var run: () async throws -> Sample
        /// True where the figure of interest is its latency, not its processor time.
        var comparesLatency = false
    }
}

/// The medians of a case over all rounds, and the ratio of the row's first case to it, round by round.
struct CaseResult {
    var name: String
    var operationsPerSecond: Double?
    var userMicroseconds: Double
    var systemMicroseconds: Double
    var p50: Duration?
    var p99: Duration?
    var note: String
    var wholeMicroseconds: Double?
    var rateRatio: Double?
    var processorRatio: Double
    var p50Ratio: Double?
    var p99Ratio: Double?

    init(_ name: String, _ samples: [Sample], first: [Sample]) {
        self.name = name
        operationsPerSecond = Self.median(samples.compactMap(\.operationsPerSecond))
        userMicroseconds = Self.median(samples.map(\.userMicroseconds)) ?? 0
        systemMicroseconds = Self.median(samples.map(\.systemMicroseconds)) ?? 0
        wholeMicroseconds = Self.median(samples.compactMap(\.wholeMicroseconds))
        p50 = Self.median(samples.compactMap(\.p50))
        p99 = Self.median(samples.compactMap(\.p99))
        // Of the first round: memory that was taken once is not taken again.
        note = samples.first?.note ?? ""
        let pairs = zip(first, samples)
        rateRatio = Self.median(
            pairs.compactMap { pair in
                guard let one = pair.0.operationsPerSecond, let other = pair.1.operationsPerSecond else { return nil }
                return one / other
            })
        processorRatio = Self.median(pairs.map { $0.processorMicroseconds / $1.processorMicroseconds }) ?? .nan
        p50Ratio = Self.median(pairs.compactMap { pair in Self.ratio(pair.0.p50, pair.1.p50) })
        p99Ratio = Self.median(pairs.compactMap { pair in Self.ratio(pair.0.p99, pair.1.p99) })
    }

    private static func ratio(_ one: Duration?, _ other: Duration?) -> Double? {
        guard let one, let other, other > .zero else { return nil }
        return one / other
    }

    private static func median<Value: Comparable>(_ values: [Value]) -> Value? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}

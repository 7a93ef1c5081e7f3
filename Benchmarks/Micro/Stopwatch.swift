import CProbe

/// Measures time and allocations of operations, in this process.
enum Stopwatch {
    /// For one repetition: the medians over all rounds.
    struct Sample {
        var nanoseconds: Double
        var allocations: Double
    }

    /// Each operation has its turn in each round, so that all of them see the machine's good and bad moments.
    private static let roundsCount = 101
    /// Until caches, predictors and the processor's clock have settled.
    private static let roundsForgotten = 5

    static func measure(_ operations: [Operation]) -> [Sample] {
        var samples: [[Sample]] = operations.map { _ in [] }
        for round in 0..<roundsForgotten + roundsCount {
            for (index, operation) in operations.enumerated() {
                let sample = measure(operation.makeBatch())
                if round >= roundsForgotten { samples[index].append(sample) }
            }
        }
        return samples.map { rounds in
            Sample(
                nanoseconds: median(rounds.map(\.nanoseconds)), allocations: median(rounds.map(\.allocations)))
        }
    }

    private static func measure(_ batch: Operation.Batch) -> Sample {
        let allocationsBefore = probe_allocations()
        let duration = ContinuousClock().measure { batch.work() }
        let allocations = probe_allocations() - allocationsBefore
        batch.end()
        let count = Double(Operation.repetitions)
        return Sample(nanoseconds: duration / .nanoseconds(1) / count, allocations: Double(allocations) / count)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

import Testing

@testable import ChannelsReference

/// Lazy group logs against the eager reference.
@Suite("What anyone can observe equals an eager implementation")
struct ComparisonTests {
    /// 20 runs of 50,000 operations: a million. A failure names its seed.
    @Test("Random operations give the same answers", arguments: (1...20).map { UInt64($0) })
    func randomOperations(seed: UInt64) async throws {
        let failure = try await OwnThread.run {
            // Some runs with hardly any budget, so that everything goes in many slices.
            var comparison = Comparison(of: ComparedMemory(isShortOfBudget: seed.isMultiple(of: 3)), seed: seed)
            comparison.perform(50_000)
            if comparison.failure == nil { comparison.finish() }
            return comparison.failure
        }
        if let failure { Issue.record("\(failure)") }
    }
}

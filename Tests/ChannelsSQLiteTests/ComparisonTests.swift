import ChannelsTesting
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// The file against the eager reference.
@Suite("What anyone can observe of the file equals an eager implementation")
struct ComparisonTests {
    /// 9 runs of 4,000 operations, with seven restarts. A failure names its seed.
    @Test("Random operations give the same answers", arguments: (1...9).map { UInt64($0) })
    func randomOperations(seed: UInt64) async throws {
        let failure = try await OwnThread.run { try Self.run(seed: seed) }
        if let failure { Issue.record("\(failure)") }
    }

    /// What differs, if anything does.
    private static func run(seed: UInt64) throws -> String? {
        let folder = try TemporaryFolder()
        let isShort = seed.isMultiple(of: 3)
        let layer = ComparedFile(isShortOfSlice: isShort, operationsPerTransaction: seed % 3 == 1 ? 5 : 1)
        var comparison = Comparison(of: layer, seed: seed)
        for part in 0..<8 where comparison.failure == nil {
            // Some runs with hardly any slice, so that everything takes several; with one of a single row, but for the end:
            // a sweep gets nowhere with that.
            var slice = Slice()
            if isShort { (slice.rows, slice.bytes) = seed == 9 && part < 7 ? (1, 20) : (3, 60) }
            let file = try OpenFile(
                path: folder.path("layer.db"), isFull: false, settings: RandomArguments.settings, clock: ManualClock(),
                wall: { 1 }, slice: slice, spanBits: seed.isMultiple(of: 2) ? 8 : 1,
                queueRowsMax: seed.isMultiple(of: 2) ? 1024 : 2)
            file.use { store in
                layer.open(store)
                comparison.perform(500)
                if part == 7, comparison.failure == nil { comparison.finish() }
                comparison.endProcess()
                layer.close()
            }
            file.close()
        }
        return comparison.failure
    }
}

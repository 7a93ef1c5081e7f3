import Channels
import ChannelsTesting
import Testing

@testable import ChannelsSQLite

@Suite("The SQLite backend does all that a backend must, should and may")
struct SQLiteConformanceTests {
    @Test("On a clock that is moved by hand", arguments: ConformanceRule.all)
    func movedByHand(_ rule: ConformanceRule) async throws {
        let folder = try TemporaryFolder()
        let subject = BackendUnderTest(time: .movedByHand) { settings, clock in
            try SQLiteBackend(path: folder.path("layer.db"), settings: settings, clock: clock)
        }
        let outcome = try await rule.check(subject)
        // A file has no memory limit: it is full when the disk is.
        if rule.id != "capacity.memory" { #expect(outcome == .holds) }
    }
}

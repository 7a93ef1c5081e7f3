import Channels
import ChannelsTesting
import FolderBackend
import Foundation
import Testing

@Test("The folder backend keeps the rules", arguments: ConformanceRule.all)
func conforms(_ rule: ConformanceRule) async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = BackendUnderTest(time: .movedByHand) { settings, clock in
        try FolderBackend(in: path, settings: settings, clock: clock)
    }
    try await rule.check(subject)
}

import Foundation
import Testing

extension Harness {
    @Suite("Clients in other languages")
    struct LanguageClientTests {
        @Test(
            "The standard library is all that a client needs",
            arguments: [("python3", "client.py"), ("node", "client.mjs")])
        func client(interpreter: String, script: String) async throws {
            try await LaurelProcess.run { server in
                let result = try await ChildProcess.run(interpreter, [Sources.path("Clients/\(script)"), server.url])
                #expect(result.exitStatus == 0, "\(result.errors)")
                #expect(result.output == "ok\n")
            }
        }
    }
}

/// Files of the checkout that these tests use.
enum Sources {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    static let root = tests.deletingLastPathComponent().deletingLastPathComponent()

    /// A file beside the tests.
    static func path(_ name: String) -> String { tests.appending(path: name).path() }
}

import ArgumentParser
import Foundation

/// The options of every client command: which server, which layer.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server: http://HOST:PORT or unix:PATH. [$LAUREL_URL, else http://127.0.0.1:8080]", valueName: "url"))
    var url: ServerAddress?

    @Option(help: ArgumentHelp("The layer.", valueName: "name"))
    var layer = "default"

    /// Runs a command with the client for these options. Its errors go to standard error, and become an exit code: 64 for
    /// settings that cannot be used, 1 for what the server, or the way to it, refused.
    func withClient(_ body: (LaurelClient) async throws -> Void) async throws {
        do {
            try await body(try makeClient())
        } catch let code as ExitCode {
            throw code
        } catch {
            StandardError.tell(error)
            throw error is SettingError ? ExitCode.validationFailure : ExitCode.failure
        }
    }

    private func makeClient() throws(SettingError) -> LaurelClient {
        let environment = ProcessInfo.processInfo.environment
        try SettingSources.checkEnvironment(environment)
        let address = if let url { url } else { try Self.address(in: environment) ?? .preset }
        return LaurelClient(address: address, layer: layer)
    }

    private static func address(in environment: [String: String]) throws(SettingError) -> ServerAddress? {
        guard let text = environment["LAUREL_URL"], !text.isEmpty else { return nil }
        guard let address = ServerAddress(argument: text) else {
            throw SettingError("LAUREL_URL must be http://HOST:PORT or unix:PATH, not '\(text)'.")
        }
        return address
    }
}

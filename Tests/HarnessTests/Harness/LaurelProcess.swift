import Foundation
import HTTPClient
import Testing

/// The real executable, running as a process of its own on a free port, and a client for it.
final class LaurelProcess: Sendable {
    /// `http://127.0.0.1:PORT`, without a slash at its end.
    let url: String
    let client: HTTPClient
    private let child: ChildProcess

    /// The executable that was built beside these tests, or the one that `HARNESS_EXECUTABLE` names.
    static let executable =
        ProcessInfo.processInfo.environment["HARNESS_EXECUTABLE"] ?? builtExecutable("laurel")

    /// An executable of this package that was built beside these tests.
    static func builtExecutable(_ name: String) -> String {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests ?? "").deletingLastPathComponent().appending(path: name).path()
    }

    private init(url: String, child: ChildProcess) {
        self.url = url
        self.child = child
        client = HTTPClient()
    }

    /// Starts `laurel serve` on a free port, runs `body`, and ends the process whatever happened.
    ///
    /// - Parameter wrapper: a command that becomes the one that is written behind it, as `nice` does.
    static func run<Result>(
        _ arguments: [String] = [], environment: [String: String] = [:], executable: String = executable,
        under wrapper: [String] = [],
        _ body: (LaurelProcess) async throws -> Result
    ) async throws -> Result {
        let command = wrapper + [executable, "serve", "--bind", "127.0.0.1:0"] + arguments
        let child = try ChildProcess(command[0], Array(command.dropFirst()), environment: environment)
        defer { child.kill() }
        let line = try await child.errorLine { $0.contains("listening on http://") }
        let url = try #require(line.firstMatch(of: /http:\/\/\S+/)).output
        return try await body(LaurelProcess(url: String(url), child: child))
    }

    var pid: Int32 { child.pid }
    var port: UInt16 { UInt16(url.split(separator: ":").last ?? "") ?? 0 }

    /// What the process has written to standard error so far.
    var errorText: String { child.errorText }

    /// Returns when a line of standard error holds `text`, be it an earlier one.
    func waitForErrorLine(_ text: String) async throws {
        _ = try await child.errorLine { $0.contains(text) }
    }

    /// Sends a signal; does not wait.
    func signal(_ number: Int32) { child.signal(number) }

    /// The exit status, once the process has ended: 128 and the signal's number where a signal ended it.
    func exitStatus() async -> Int32 { await child.exitStatus() }

    /// Resident memory now, in bytes.
    var residentBytes: Int { statusKilobytes("VmRSS") * 1024 }
    /// The most resident memory so far, in bytes.
    var residentBytesPeak: Int { statusKilobytes("VmHWM") * 1024 }
    /// Descriptors that are open.
    var openFilesCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }

    private func statusKilobytes(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}

extension LaurelProcess {
    /// Runs a client command against this server.
    func laurel(_ arguments: String..., input: String = "") async throws -> (
        exitStatus: Int32, output: String, errors: String
    ) {
        try await ChildProcess.run(Self.executable, arguments, environment: ["LAUREL_URL": url], input: input)
    }
}

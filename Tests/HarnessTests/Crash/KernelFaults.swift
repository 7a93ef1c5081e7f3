import Foundation
import Testing

/// Has system calls of a server fail, or take long: strace runs it, and answers for the kernel.
///
/// Tracing a process of one's own needs no privileges. Where a machine forbids it all the same, the server does not start,
/// and the failure holds strace's reason.
final class KernelFaults {
    private let log = FileManager.default.temporaryDirectory.appending(path: "strace-\(UUID().uuidString)").path()
    private let injections: [String]
    private let path: String?

    /// - Parameters:
    ///   - injections: as strace takes them: `fdatasync:error=EIO:when=10+`. Calls are counted by thread.
    ///   - path: only calls that concern this file.
    init(_ injections: String..., path: String? = nil) {
        self.injections = injections
        self.path = path
    }

    deinit { try? FileManager.default.removeItem(atPath: log) }

    /// For ``LaurelProcess/run(_:environment:under:_:)``. The tracer is a child of the server, so that signals and exit status are
    /// the server's.
    var command: [String] {
        let calls = injections.compactMap { $0.split(separator: ":").first }.joined(separator: ",")
        return ["strace", "-D", "-f", "-qq", "-I", "2", "-o", log, "-e", "trace=\(calls)", "-e", "signal=none"]
            // A build with AddressSanitizer cannot look for leaks while it is traced, and says so as a failure.
            + ["-E", "ASAN_OPTIONS=detect_leaks=0"]
            + (path.map { ["-P", $0] } ?? []) + injections.flatMap { ["-e", "inject=\($0)"] }
    }

    /// From now on the kernel answers for itself.
    func end(for server: LaurelProcess) async throws {
        let tracer = try #require(Self.tracer(of: server.pid))
        kill(tracer, SIGKILL)  // others it may have inherited as blocked
        try await server.eventually("strace lets go") { Self.tracer(of: server.pid) == nil }
    }

    /// How many calls it has answered for.
    var injectedCount: Int {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").count { $0.contains("(INJECTED)") || $0.contains("(DELAYED)") }
    }

    private static func tracer(of pid: pid_t) -> pid_t? {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("TracerPid:") }
        return line?.split(separator: "\t").last.flatMap { pid_t($0) }.flatMap { $0 == 0 ? nil : $0 }
    }
}

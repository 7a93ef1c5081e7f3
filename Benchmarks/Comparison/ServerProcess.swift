import Foundation
import Reactor

/// A server under measurement: a process of its own on a free port of this machine, ended with this object's `stop`.
final class ServerProcess: @unchecked Sendable {
    // SAFETY: constant once it is made; it is told to end once.

    let name: String
    let port: UInt16
    /// Where the load goes.
    let address: SocketAddress
    /// What it does its work with, a Redis of its own; ended with it.
    let behind: ServerProcess?
    private let pid: pid_t
    private let directory: URL

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - folder: Goes with the process; a temporary one by default.
    ///   - arguments: Made from the port and the folder.
    init(
        _ name: String, executable: String, port: UInt16 = ServerProcess.freePort(), in folder: URL? = nil,
        behind: ServerProcess? = nil, arguments: (_ port: UInt16, _ directory: URL) throws -> [String]
    ) throws {
        self.name = name
        self.port = port
        self.behind = behind
        address = SocketAddress(host: "127.0.0.1", port: port)!
        directory =
            folder
            ?? FileManager.default.temporaryDirectory.appending(path: "laurel-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        pid = try Self.start(executable, try arguments(port, directory), errors: directory.appending(path: "errors"))
        try waitUntilItAnswers()
    }

    private static func start(_ executable: String, _ arguments: [String], errors: URL) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errors.path(), O_WRONLY | O_CREAT, 0o600)
        // Threads of a pool block all signals, and their children would, too.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var strings = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, executable, &actions, &attributes, &strings, environ)
        guard code == 0 else {
            throw Failure(description: "\(executable) cannot be started: \(String(cString: strerror(code)))")
        }
        return pid
    }

    func stop() {
        kill(pid, SIGTERM)
        waitpid(pid, nil, 0)
        try? FileManager.default.removeItem(at: directory)
        behind?.stop()
    }

    private func waitUntilItAnswers() throws {
        for _ in 0..<500 {
            if answers { return }
            usleep(10_000)
        }
        let errors = try? String(contentsOf: directory.appending(path: "errors"), encoding: .utf8)
        stop()
        throw Failure(description: "\(name) does not start: \(errors ?? "")")
    }

    private var answers: Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    var processorTime: ProcessorTime { ProcessorTime(of: pid) }

    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
    }

    static func freePort() -> UInt16 {
        let any = SocketAddress(host: "127.0.0.1", port: 0)!
        guard let descriptor = try? ListeningSocket.open(any, backlogConnections: 1),
            let address = try? SystemCall.localAddress(of: descriptor.number)
        else { preconditionFailure("no free port on this machine") }
        return address.port
    }
}

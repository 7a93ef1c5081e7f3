import Foundation
import HTTPClient
import Testing

/// A real nginx with deploy/nginx.conf, on a unix socket.
enum NginxProcess {
    /// Starts it, runs `body` with the path of the socket, and ends it.
    ///
    /// - Parameter adapt: puts the servers behind it into the configuration.
    static func run(_ adapt: (String) throws -> String, _ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let socket = directory.appending(path: "nginx.sock").path()
        try adapt(try configuration("nginx.conf"))
            .replacing("listen 8000;", with: "listen unix:\(socket);")
            .write(to: directory.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
        let nginx = try ChildProcess(
            "nginx",
            [
                "-p", directory.path(), "-c", "nginx.conf", "-e", "stderr", "-g",
                "daemon off; pid nginx.pid; error_log stderr notice;",
            ])
        // Not SIGKILL, which its workers would outlive.
        defer { nginx.signal(SIGTERM) }
        _ = try await nginx.errorLine { $0.contains("start worker processes") }
        try await body(socket)
        nginx.signal(SIGTERM)
        _ = await nginx.exitStatus()
    }

    /// A file of deploy.
    static func configuration(_ name: String) throws -> String {
        try String(contentsOf: Sources.root.appending(path: "deploy/\(name)"), encoding: .utf8)
    }

    static func request(_ method: String, _ target: String, _ socket: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(method, "http://laurel.example" + target)
        request.unixSocketPath = socket
        return request
    }
}

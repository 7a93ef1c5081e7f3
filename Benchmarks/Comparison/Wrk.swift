import Foundation

/// Runs `wrk -t1 -c64`: a load generator that is not ours.
struct Wrk {
    var server: ServerProcess
    var target: String
    /// Sent by POST; nil for GET.
    var content: String?
    var seconds: Int

    func run() async throws -> Sample {
        let script = FileManager.default.temporaryDirectory.appending(path: "laurel-wrk-\(UUID().uuidString).lua")
        defer { try? FileManager.default.removeItem(at: script) }
        var arguments = ["wrk", "-t1", "-c64", "-d\(seconds)s", "--latency"]
        if let content {
            try """
            wrk.method = "POST"
            wrk.body = [[\(content)]]
            wrk.headers["Content-Type"] = "application/json"
            """.write(to: script, atomically: true, encoding: .utf8)
            arguments += ["-s", script.path()]
        }
        let command = arguments + ["http://127.0.0.1:\(server.port)\(target)"]
        return try await server.measure { try Self.sample(of: try await Command.output(command)) }
    }

    private static func sample(of output: String) throws -> Sample {
        guard let count = output.firstMatch(of: /(\d+) requests in/).flatMap({ Int($0.1) }),
            let rate = output.firstMatch(of: /Requests\/sec: +([\d.]+)/).flatMap({ Double($0.1) })
        else { throw Sample.Void(description: "wrk says: \(output)") }
        if let bad = output.firstMatch(of: /Non-2xx or 3xx responses: (\d+)/) {
            throw Sample.Void(description: "\(bad.1) unexpected answers")
        }
        if let errors = output.firstMatch(of: /Socket errors: .*/) { throw Sample.Void(description: "\(errors.0)") }
        var sample = Sample(count)
        sample.operationsPerSecond = rate
        sample.p50 = duration(in: output, at: "50%")
        sample.p99 = duration(in: output, at: "99%")
        return sample
    }

    private static func duration(in output: String, at percentile: String) -> Duration? {
        let lines = output.split(separator: "\n").map { $0.split(separator: " ") }
        guard let text = lines.first(where: { $0.first.map(String.init) == percentile && $0.count == 2 })?[1] else {
            return nil
        }
        guard let match = text.wholeMatch(of: /([\d.]+)(us|ms|s)/), let value = Double(match.1) else { return nil }
        switch match.2 {
        case "us": return .microseconds(value)
        case "ms": return .milliseconds(value)
        default: return .seconds(value)
        }
    }
}

enum Command {
    /// What a program writes to standard output. The words of `command` hold nothing that a shell would take for its own.
    static func output(_ command: [String]) async throws -> String {
        let line = command.map { "'\($0)'" }.joined(separator: " ")
        // A thread waits, and none of the pool's.
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var output: [UInt8] = []
                if let pipe = popen(line, "r") {
                    var buffer = [UInt8](repeating: 0, count: 4096)
                    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
                        output += buffer[..<count]
                    }
                    pclose(pipe)
                }
                continuation.resume(returning: String(decoding: output, as: UTF8.self))
            }
        }
    }
}

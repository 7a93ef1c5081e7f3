import Foundation
import Testing

extension Harness {
    @Suite("Tours of what is written")
    struct TourTests {
        /// A command of a console block, and what is written that it prints.
        struct Step {
            let command: String
            var output: [String] = []
        }

        /// The blocks ```` ```console ````: lines that begin with `$ ` are commands (`> ` continues one), the others output.
        static func steps(of text: String) -> [Step] {
            var steps: [Step] = []
            var isInBlock = false
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
                if line.hasPrefix("```") {
                    isInBlock = !isInBlock && line == "```console"
                } else if isInBlock, line.hasPrefix("$ ") {
                    steps.append(Step(command: String(line.dropFirst(2))))
                } else if isInBlock, line.hasPrefix("> "), let last = steps.popLast() {
                    steps.append(Step(command: last.command + "\n" + line.dropFirst(2), output: last.output))
                } else if isInBlock, !steps.isEmpty {
                    steps[steps.count - 1].output.append(line)
                }
            }
            return steps
        }

        /// What differs from run to run: ids, ages, the date, and all that `…` stands for.
        static func matches(_ actual: String, _ expected: String) -> Bool {
            let pattern = neutral(expected).split(separator: "…", omittingEmptySubsequences: false)
            var rest = neutral(actual)[...]
            for (index, part) in pattern.enumerated() {
                guard index > 0 else {
                    guard rest.hasPrefix(part) else { return false }
                    rest = rest.dropFirst(part.count)
                    continue
                }
                if index == pattern.count - 1 { return rest.hasSuffix(part) }
                guard let range = rest.firstRange(of: part) else { return false }
                rest = rest[range.upperBound...]
            }
            return rest.isEmpty
        }

        private static func neutral(_ text: String) -> String {
            text.replacing(/"id":"[^"]*"/, with: #""id":"""#)
                .replacing(/"(oldestAge|uptime)":[0-9.]+/) { "\"\($0.1)\":0" }
                .replacing(/(?i)\b(Date|X-Request-Id): .*/) { "\($0.1): -" }
        }

        @Test("Its tour does what it says")
        func tour() async throws {
            try await Self.walk("README.md")
        }

        @Test("The tour of the article on backends does what it says, with the folder backend")
        func articleTour() async throws {
            let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await Self.walk(
                "Sources/Channels/Documentation.docc/WritingABackend.md",
                arguments: ["--backend", "folder:\(path)?capacity=1000"],
                executable: LaurelProcess.builtExecutable("folder-laurel"))
        }

        /// Runs the commands of a file's console blocks against a server, and compares what they print.
        private static func walk(
            _ path: String, arguments: [String] = [], executable: String = LaurelProcess.executable
        ) async throws {
            let steps = steps(of: try String(contentsOf: Sources.root.appending(path: path), encoding: .utf8))
            try #require(!steps.isEmpty, "\(path) has no console block with commands")
            try await LaurelProcess.run(arguments, executable: executable) { server in
                let shell = Shell(server: server)
                for step in steps {
                    let output = try await shell.run(step.command)
                    let expected = step.output.joined(separator: "\n")
                    #expect(
                        matches(output.trimmed, expected.trimmed),
                        "$ \(step.command)\n--- \(path)\n\(expected)\n--- actually\n\(output)")
                }
            }
        }
    }
}

/// Runs the tour's commands, with `laurel` in the path and the server where the tour has it.
private final class Shell {
    private let server: LaurelProcess
    private var inBackground: [ChildProcess] = []

    init(server: LaurelProcess) {
        self.server = server
    }

    /// What the command prints. Of one in the background that is seen at `wait`.
    func run(_ command: String) async throws -> String {
        if command == "wait" {
            defer { inBackground = [] }
            var outputs: [String] = []
            for child in inBackground {
                _ = await child.exitStatus()
                outputs.append(child.outputText)
            }
            return outputs.joined(separator: "\n")
        }
        if command.hasSuffix("&") {
            inBackground.append(try start(String(command.dropLast())))
            // A reader of the tour types more slowly than a receiver begins to wait.
            let count = inBackground.count
            try await server.eventually("\(command) waits") {
                struct Stats: Decodable { let waiting: Int }
                return try await server.call("GET", "/stats").decoded(as: Stats.self).waiting == count
            }
            return ""
        }
        let child = try start(command)
        _ = await child.exitStatus()
        return child.outputText
    }

    private func start(_ command: String) throws -> ChildProcess {
        let ours = URL(filePath: LaurelProcess.executable).deletingLastPathComponent().path()
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let here = "127.0.0.1:\(server.port)"
        let command = command.replacing("localhost:8080", with: here).replacing("127.0.0.1:8080", with: here)
        return try ChildProcess(
            "bash", ["-c", command], environment: ["PATH": "\(ours):\(path)", "LAUREL_URL": server.url])
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

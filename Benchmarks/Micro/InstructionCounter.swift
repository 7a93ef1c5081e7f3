import CProbe
import Foundation

/// Counts the instructions of operations, in another process of this program, under Valgrind's Callgrind.
///
/// ## How it works
/// Callgrind collects only inside of `probe_measured`, and writes one file each time that function returns; so neither
/// start-up nor preparation counts. Within it, the other process does two batches of each operation in a row: the first
/// has the run time make what it makes only once, the second is what counts. The files come in the operations' order.
enum InstructionCounter {
    /// Tells the program that it is that other process.
    static let argument = "perform-each-operation"
    /// Where Callgrind's files stay, to be looked at function by function.
    static let folder = ".build/micro-benchmark"

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// For one repetition of each operation.
    static func count(_ operations: [Operation]) throws -> [Double] {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let messages = "\(folder)/messages"
        let status = try run(
            [
                "valgrind", "--tool=callgrind", "--toggle-collect=probe_measured", "--dump-after=probe_measured",
                "--callgrind-out-file=\(folder)/part", program, argument,
            ], messages: messages)
        guard status == 0 else {
            let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
            throw Failure(description: "valgrind ended with status \(status): \(text)")
        }
        return try operations.enumerated().map { index, operation in
            let file = "\(folder)/\(operation.name.replacing(/[^A-Za-z0-9]+/, with: "-"))"
            try FileManager.default.removeItem(atPath: "\(folder)/part.\(2 * index + 1)")
            try FileManager.default.moveItem(atPath: "\(folder)/part.\(2 * index + 2)", toPath: file)
            return try total(in: file) / Double(Operation.repetitions)
        }
    }

    /// What the other process does.
    static func perform(_ operations: [Operation]) {
        for operation in operations {
            // Both first, so that the calls that make them are not counted, as little as their instructions are.
            let batches = [operation.makeBatch(), operation.makeBatch()]
            for batch in batches { measured(batch.work) }
            for batch in batches { batch.end() }
        }
    }

    private static func measured(_ work: () -> Void) {
        withoutActuallyEscaping(work) { work in
            withUnsafePointer(to: work) { pointer in
                // SAFETY: the function gives back the pointer that it was given, and returns before `work` goes.
                probe_measured(
                    { $0!.assumingMemoryBound(to: (() -> Void).self).pointee() },
                    UnsafeMutableRawPointer(mutating: pointer))
            }
        }
    }

    private static func total(in file: String) throws -> Double {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        guard let line = lines.last(where: { $0.hasPrefix("totals: ") }), let total = Double(line.dropFirst(8)) else {
            throw Failure(description: "no total in \(file)")
        }
        return total
    }

    /// Runs a program to its end; returns its status as of `waitpid`.
    private static func run(_ command: [String], messages: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, messages, O_WRONLY | O_CREAT, 0o600)
        // Else hashes, and with them the collisions in each table, are others in each run.
        let environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        var variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        var words = command.map { strdup($0) } + [nil]
        defer { for string in words + variables { free(string) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, command[0], &actions, nil, &words, &variables)
        guard code == 0 else {
            throw Failure(description: "\(command[0]) cannot be started: \(String(cString: strerror(code)))")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

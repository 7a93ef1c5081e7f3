import Foundation

enum StandardError {
    /// Says what went wrong, after the name of the program.
    static func tell(_ error: some Sendable) {
        write("\(Program.current.name): \(error)")
    }

    static func write(_ text: String, terminator: String = "\n") {
        // Nobody is left to be told where this fails.
        try? FileHandle.standardError.write(contentsOf: Data((text + terminator).utf8))
    }
}

enum StandardOutput {
    /// Writes `bytes` as they are; ends the process quietly where nobody reads any more.
    static func write(_ bytes: some Sequence<UInt8>) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            exit(EXIT_FAILURE)
        }
    }

    /// Writes `bytes` and a line feed.
    static func write(line bytes: [UInt8]) {
        write(bytes + [UInt8(ascii: "\n")])
    }
}

import Foundation

/// Python's channels_redis on a Redis, in one process a run: `Benchmarks/Python/channels_redis_load.py`.
///
/// It is installed from PyPI with the first run, in a folder of its own, which goes with this object.
actor PythonLayer {
    /// As the script knows it.
    enum Work: String {
        case pairs
        case groupSendApart = "group-send-apart"
        case groupSendTogether = "group-send-together"
        case deliverApart = "deliver-apart"
        case deliverTogether = "deliver-together"
    }

    private let redis: ServerProcess
    private let folder = FileManager.default.temporaryDirectory.appending(
        path: "laurel-python-\(UUID().uuidString)", directoryHint: .isDirectory)
    private var isInstalled = false

    init(on redis: ServerProcess) { self.redis = redis }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// - Throws: ``Sample/Void`` where it cannot be installed, or does not run.
    func run(_ work: Work, members: Int = 0, seconds: Int) async throws -> Sample {
        try await install()
        let script = FileManager.default.currentDirectoryPath + "/Benchmarks/Python/channels_redis_load.py"
        let output = try await shell(
            "\(folder.path())/bin/python \(script) \(redis.port) \(seconds) \(work.rawValue) \(members)")
        let words = output.split(separator: " ")
        let numbers = words.prefix(4).compactMap { Double($0) }
        guard numbers.count == 4, words.count == 5 else {
            throw Sample.Void(description: "channels_redis says: \(output)")
        }
        var sample = Sample(Int(numbers[0]))
        sample.operationsPerSecond = numbers[1]
        (sample.userMicroseconds, sample.systemMicroseconds) = (numbers[2], numbers[3])
        sample.note = String(words[4])
        return sample
    }

    private func install() async throws {
        guard !isInstalled else { return }
        let output = try await shell(
            "python3 -m venv \(folder.path()) && \(folder.path())/bin/pip install --quiet --disable-pip-version-check "
                + "channels_redis && echo installed")
        guard output == "installed" else {
            throw Sample.Void(description: "channels_redis cannot be installed from PyPI: \(output)")
        }
        isInstalled = true
    }

    /// The last line of what it writes, errors included.
    private func shell(_ command: String) async throws -> String {
        let output = try await Command.output(["sh", "-c", "(\(command)) 2>&1"])
        return output.split(separator: "\n").last.map(String.init) ?? ""
    }
}

import ArgumentParser
import Foundation
import LoadGenerator
import Reactor

/// `laurel bench`
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running server.",
        discussion: """
            Sends messages and receives them again, then answers long-polls, on channels of its own. Prints requests per second \
            and how long they took; whatever else the server does at the time, and this command itself, is in these figures.
            """)

    @Option(help: ArgumentHelp("Connections at once.", valueName: "count"))
    var connections = 64

    @Option(help: ArgumentHelp("How long each part takes.", valueName: "seconds"))
    var duration = 5

    @Option(help: ArgumentHelp("The size of a message.", valueName: "bytes"))
    var size = 54

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if !(1...10_000).contains(connections) { throw ValidationError("--connections must be 1 to 10000.") }
        if duration < 1 { throw ValidationError("--duration must be at least 1.") }
        if !(2...16_000_000).contains(size) { throw ValidationError("--size must be 2 to 16000000.") }
    }

    func run() async throws {
        OpenFiles.raiseLimit()
        try await server.withClient { client in
            let loop = try EventLoop(name: "load")
            try loop.start()
            defer { loop.stop() }
            let bench = ServerBench(
                address: try client.address.socketAddress(), host: client.address.host, layer: client.layer,
                connections: connections, seconds: duration, messageBytes: size, loop: loop)
            try await bench.run()
        }
    }
}

/// The parts of `laurel bench`.
private struct ServerBench: Sendable {
    let address: SocketAddress
    let host: String
    let layer: String
    let connections: Int
    let seconds: Int
    let messageBytes: Int
    let loop: EventLoop
    private let name = "laurel-bench-\(UInt32.random(in: 0...UInt32.max))"

    init(
        address: SocketAddress, host: String, layer: String, connections: Int, seconds: Int, messageBytes: Int,
        loop: EventLoop
    ) {
        self.address = address
        self.host = host
        self.layer = layer
        self.connections = connections
        self.seconds = seconds
        self.messageBytes = messageBytes
        self.loop = loop
    }

    func run() async throws {
        // Each connection sends to a channel of its own and receives from it, so that none runs full.
        try await measure("send and receive, \(connections) connections") { connection, number in
            number.isMultiple(of: 2)
                ? post("/channels/\(name)-\(connection)?expiry=60")
                : get("/receive?channels=\(name)-\(connection)")
        }
        try await measure("receive that finds nothing, \(connections) connections") { _, _ in
            get("/receive?channels=\(name)")
        }
        try await measurePolls()
    }

    private func measure(_ title: String, _ request: @escaping @Sendable (Int, Int) -> [UInt8]) async throws {
        var load = Load(to: address, request: request)
        load.connectionsCount = connections
        load.duration = .seconds(seconds)
        let progress = Task { try await showProgress(title) }
        defer { progress.cancel() }
        let report = try await load.run(on: loop)
        progress.cancel()
        StandardError.write("\r\u{1B}[K", terminator: "")
        show(title, "\(Int(report.requestsPerSecond))/s", report.latencies)
        if !report.unexpected.isEmpty {
            let statuses = report.unexpected.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
            StandardOutput.write(line: Array("    other statuses: \(statuses.joined(separator: ", "))".utf8))
        }
    }

    /// A message to one receiver that waits.
    private func measurePolls() async throws {
        let (poll, publish) = (get("/receive?channels=\(name)-poll&timeout=60"), post("/channels/\(name)-poll"))
        let (address, loop, end) = (address, loop, ContinuousClock.now + .seconds(seconds))
        let latencies = try await Task(executorPreference: loop) {
            let receiver = try LoadConnection(to: address, on: loop)
            let sender = try LoadConnection(to: address, on: loop)
            var latencies = Latencies()
            while ContinuousClock.now < end {
                try await receiver.send(poll)
                try await Task.sleep(for: .milliseconds(2))
                let begin = ContinuousClock.now
                try await sender.send(publish)
                _ = try await receiver.answer()
                latencies.record(ContinuousClock.now - begin)
                _ = try await sender.answer()
            }
            return latencies
        }.value
        show("message to a receiver that waits", "", latencies)
    }

    private func showProgress(_ title: String) async throws {
        for second in 0... {
            StandardError.write("\r\(title): \(second) of \(seconds) s", terminator: "")
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func show(_ title: String, _ rate: String, _ latencies: Latencies) {
        let shown = [50.0, 90, 99, 99.9, 100].map { percent in
            let name = percent == 100 ? "max" : "p\(percent.formatted())"
            return "\(name) \(Int(latencies.percentile(percent) / .microseconds(1))) µs"
        }
        let line = "\(title): \(([rate] + shown).filter { !$0.isEmpty }.joined(separator: ", "))"
        StandardOutput.write(line: Array(line.utf8))
    }

    private func get(_ target: String) -> [UInt8] {
        Array("GET \(prefix)\(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
    }

    private func post(_ target: String) -> [UInt8] {
        let message = "\"" + String(repeating: "x", count: messageBytes - 2) + "\""
        let head = "POST \(prefix)\(target) HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/json\r\n"
        return Array("\(head)Content-Length: \(messageBytes)\r\n\r\n\(message)".utf8)
    }

    private var prefix: String { layer == "default" ? "" : "/layers/\(LaurelClient.percentEncoded(layer))" }
}

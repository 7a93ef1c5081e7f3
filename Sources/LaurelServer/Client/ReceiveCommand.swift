import ArgumentParser
import Channels
import HTTPClient

/// `laurel receive CHANNEL…`
struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receive messages from channels.",
        discussion: """
            Prints each delivery as one line of JSON: channel, id, message. Takes one message unless --max or --follow says \
            otherwise. Exit code 0 where any arrived, 3 where none did in time, 1 after an error.

            With --follow it waits for ever unless --timeout limits the silence, and outlives a server that restarts.
            """)

    /// Nothing arrived in time.
    static let nothingArrived = ExitCode(3)

    @Argument(help: "The channels' names. 'inbox!' stands for all channels of that mailbox.")
    var channels: [String]

    @Flag(help: "Go on receiving.")
    var follow = false

    @Option(help: ArgumentHelp("How long to wait for each message. [0; with --follow for ever]", valueName: "seconds"))
    var timeout: String?

    @Option(help: ArgumentHelp("Stop after so many messages. [1; with --follow no limit]", valueName: "count"))
    var max: Int?

    @Flag(help: "Print only the message, as it was sent. A line feed follows JSON and text.")
    var raw = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if let timeout, Duration(secondsText: timeout.utf8) == nil {
            throw ValidationError("--timeout must be seconds, as in '30' or '0.25', not '\(timeout)'.")
        }
        if let max, max < 1 { throw ValidationError("--max must be at least 1.") }
    }

    func run() async throws {
        let patience = timeout.flatMap { Duration(secondsText: $0.utf8) } ?? (follow ? nil : .zero)
        try await server.withClient { client in
            let receiver = Receiver(client: client, channels: channels, reconnects: follow, wantsBareMessage: raw)
            let countMax = max ?? (follow ? .max : 1)
            for count in 0..<countMax {
                guard let response = try await receiver.receive(within: patience) else {
                    if count == 0 { throw Self.nothingArrived }
                    return
                }
                show(response)
            }
        }
    }

    private func show(_ response: HTTPClientResponse) {
        guard raw else {
            // A line feed in JSON is white space between tokens, never part of a string (RFC 8259 §7).
            let lineEnds: [UInt8] = [UInt8(ascii: "\n"), UInt8(ascii: "\r")]
            StandardOutput.write(line: response.content.map { lineEnds.contains($0) ? UInt8(ascii: " ") : $0 })
            return
        }
        let type = response["Content-Type"]?.lowercased() ?? ""
        let isText = type.hasPrefix("text/") || type.contains("json")
        isText ? StandardOutput.write(line: response.content) : StandardOutput.write(response.content)
    }
}

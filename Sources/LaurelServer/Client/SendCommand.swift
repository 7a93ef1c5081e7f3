import ArgumentParser
import HTTPClient

/// `laurel send CHANNEL [MESSAGE|-]`
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a message to a channel.",
        discussion: "Prints the server's answer: the message's id, and what waits in the channel now.")

    @Argument(help: "The channel's name.")
    var channel: String

    @OptionGroup var message: MessageOptions
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await server.withClient { client in
            let response = try await client.call(
                "POST", ["channels", channel], query: message.query,
                content: try message.content, contentType: message.contentType)
            StandardOutput.write(line: response.content)
        }
    }
}

import ArgumentParser

/// `laurel`: the server, and the client commands that talk to one.
@main
struct LaurelCommand: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "laurel",
        abstract: "Channels and groups for programs in any language, over plain HTTP.",
        version: version,
        subcommands: [
            ServeCommand.self, SendCommand.self, ReceiveCommand.self, GroupCommand.self, StatsCommand.self,
            BenchCommand.self,
        ]
    )
}

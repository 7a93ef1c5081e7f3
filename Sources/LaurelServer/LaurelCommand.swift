import ArgumentParser

/// `laurel`: all its commands.
struct LaurelCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Program.current.name,
            abstract: "Channels and groups for programs in any language, over plain HTTP.",
            version: Laurel.version,
            subcommands: [
                ServeCommand.self, SendCommand.self, ReceiveCommand.self, GroupCommand.self, StatsCommand.self,
                BenchCommand.self,
            ]
        )
    }
}

import ArgumentParser
import Foundation
import HTTPClient

/// `laurel group add|remove|members|send`
struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Work with a group of channels.",
        subcommands: [Add.self, Remove.self, Members.self, Send.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make channels members of a group, or renew their membership.")

        @Argument(help: "The group's name.") var group: String
        @Argument(help: "The channels' names.") var channels: [String]

        @Option(help: ArgumentHelp("For at least how long. [the layer's]", valueName: "seconds"))
        var expiry: String?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.withClient { client in
                for channel in channels {
                    _ = try await client.call(
                        "PUT", ["groups", group, channel], query: expiry.map { [("expiry", $0)] } ?? [])
                }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove channels from a group; no error where they are not in it.")

        @Argument(help: "The group's name.") var group: String
        @Argument(help: "The channels' names.") var channels: [String] = []

        @Flag(help: "Remove all members.")
        var all = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            guard all == channels.isEmpty else { throw ValidationError("Name the channels to remove, or give --all.") }
        }

        func run() async throws {
            try await server.withClient { client in
                if all { _ = try await client.call("DELETE", ["groups", group]) }
                for channel in channels {
                    _ = try await client.call("DELETE", ["groups", group, channel])
                }
            }
        }
    }

    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a group's members, one a line.")

        @Argument(help: "The group's name.") var group: String
        @OptionGroup var server: ServerOptions

        private struct Page: Decodable {
            let channels: [String]
            let next: String?
        }

        func run() async throws {
            try await server.withClient { client in
                var after: String?
                repeat {
                    let response = try await client.call(
                        "GET", ["groups", group], query: after.map { [("after", $0)] } ?? [])
                    let page = try JSONDecoder().decode(Page.self, from: Data(response.content))
                    StandardOutput.write(page.channels.map { $0 + "\n" }.joined().utf8)
                    after = page.next
                } while after != nil
            }
        }
    }

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a message to every member of a group.",
            discussion: "Prints the server's answer: the id, and for how many members it was meant.")

        @Argument(help: "The group's name.") var group: String
        @OptionGroup var message: MessageOptions

        @Option(help: ArgumentHelp("A member that gets no copy; may be repeated.", valueName: "channel"))
        var exclude: [String] = []

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.withClient { client in
                let response = try await client.call(
                    "POST", ["groups", group], query: message.query + exclude.map { ("exclude", $0) },
                    content: try message.content, contentType: message.contentType)
                StandardOutput.write(line: response.content)
            }
        }
    }
}

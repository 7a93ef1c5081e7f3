import ArgumentParser
import Foundation
import HTTPClient

/// `laurel stats`
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show a layer's totals, or what is going on in channels.")

    @Argument(help: "Channels to look at; none for the totals of the layer.")
    var channels: [String] = []

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await server.withClient { client in
            for path in channels.isEmpty ? [["stats"]] : channels.map({ ["channels", $0] }) {
                let response = try await client.call("GET", path)
                json ? StandardOutput.write(line: response.content) : try show(response.content)
            }
        }
    }

    /// One line a member, names to the left; what the backend cannot tell is a dash.
    private func show(_ content: [UInt8]) throws {
        let members = try JSONDecoder().decode([String: Figure].self, from: Data(content))
        let width = members.keys.map(\.count).max() ?? 0
        // A dictionary has no order, the server's answer has: names in quotation marks stand in it once, before a colon.
        let text = String(decoding: content, as: UTF8.self)
        let names = members.keys.sorted { Self.place(of: $0, in: text) < Self.place(of: $1, in: text) }
        for name in names {
            let line = name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + members[name]!.text
            StandardOutput.write(line: Array(line.utf8))
        }
    }

    private static func place(of name: String, in text: String) -> String.Index {
        text.range(of: "\"\(name)\":")?.lowerBound ?? text.endIndex
    }

    private struct Figure: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                text = "-"
            } else if let number = try? container.decode(Int.self) {
                text = String(number)
            } else if let number = try? container.decode(Double.self) {
                text = String(number)
            } else if let list = try? container.decode([String].self) {
                text = list.isEmpty ? "-" : list.joined(separator: " ")
            } else {
                text = try container.decode(String.self)
            }
        }
    }
}

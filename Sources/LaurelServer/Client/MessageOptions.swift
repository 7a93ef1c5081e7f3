import ArgumentParser
import Foundation

/// The message of `send` and `group send`, and its options.
struct MessageOptions: ParsableArguments {
    @Argument(help: "The message, JSON unless --text or --type says otherwise; '-' or nothing reads standard input.")
    var message = "-"

    @Flag(help: "The message is plain text.")
    var text = false

    @Option(help: ArgumentHelp("The message's content type.", valueName: "type"))
    var type: String?

    @Option(help: ArgumentHelp("How long it may wait. [the layer's]", valueName: "seconds"))
    var expiry: String?

    func validate() throws {
        if text, type != nil { throw ValidationError("Give --text or --type, not both.") }
    }

    var content: [UInt8] {
        get throws {
            message == "-" ? Array(try FileHandle.standardInput.readToEnd() ?? Data()) : Array(message.utf8)
        }
    }

    var contentType: String { type ?? (text ? "text/plain; charset=utf-8" : "application/json") }

    var query: [(name: String, value: String)] { expiry.map { [("expiry", $0)] } ?? [] }
}

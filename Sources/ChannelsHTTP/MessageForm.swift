import Channels
import HTTPCore

/// What the content of a send is to be taken for, by its `Content-Type`.
enum MessageForm: Sendable, Equatable {
    /// None, `application/json`, or `application/x-www-form-urlencoded`, which is what `curl -d` says.
    case plainJSON
    /// A type that ends in `+json`: checked as JSON, delivered with its type.
    case typedJSON(String)
    /// Any other type: opaque bytes, delivered with their type.
    case opaque(String)

    /// - Throws: 415 `unsupported-media-type` where `Content-Type` is no media type, or is given twice.
    init(_ head: borrowing RequestHead) throws(Problem) {
        var given: ArraySlice<UInt8>?
        for line in head.fields.lines where line.known == .contentType {
            guard given == nil else { throw Self.notAMediaType }
            given = head.bytes[line.value]
        }
        guard let given, !given.isEmpty, !ASCII.equals(given, ignoringCase: "application/json") else {
            self = .plainJSON
            return
        }
        guard let type = MediaType(parsing: given), given.allSatisfy({ $0 < 0x80 }) else { throw Self.notAMediaType }
        switch (type.type, type.subtype) {
        case ("application", "json"), ("application", "x-www-form-urlencoded"): self = .plainJSON
        default:
            let text = String(decoding: given, as: UTF8.self)
            self = type.isJSON ? .typedJSON(text) : .opaque(text)
        }
    }

    /// The message with `content`, which is taken over as it is.
    ///
    /// - Throws: 400 `invalid-json` with the offset where it goes wrong.
    func message(of content: [UInt8]) throws(Problem) -> Message {
        if case .opaque(let type) = self { return Message(content: content, contentType: type, isJSON: false) }
        if let offset = JSONValidator.firstError(in: content) { throw .invalidJSON(offset: offset) }
        if case .typedJSON(let type) = self { return Message(content: content, contentType: type) }
        return Message(content: content)
    }

    private static let notAMediaType = Problem(
        .unsupportedMediaType, "Content-Type must be one media type (RFC 9110 §8.3.1), as in text/plain; charset=utf-8."
    )
}

/// The content types of routes that read JSON themselves.
enum JSONContent: Sendable {
    case json
    /// One JSON text a line; only `/batch` takes it.
    case lines

    /// - Throws: 415 `unsupported-media-type`. Where the content may be missing, and is, its type does not matter.
    init(_ head: RequestHead, isOptional: Bool = false, allowsLines: Bool = false) throws(Problem) {
        self = .json
        if isOptional, head.hasNoContent { return }
        switch try MessageForm(head) {
        case .plainJSON, .typedJSON: return
        case .opaque(let type):
            if allowsLines, MediaType(parsing: Array(type.utf8)[...])?.essence == "application/x-ndjson" {
                self = .lines
                return
            }
            throw Problem(
                .unsupportedMediaType,
                "This route wants JSON. Say Content-Type application/json\(allowsLines ? ", or application/x-ndjson" : "")."
            )
        }
    }
}

extension RequestHead {
    /// True where it is clear from the head that no content comes.
    var hasNoContent: Bool {
        switch framing {
        case .none, .length(0): true
        default: false
        }
    }
}

/// What is delivered as a string.
enum TextType {
    /// Content of the type `text/*` in UTF-8, by its charset where it names one, and by its bytes; nil for any other.
    static func encoder(for message: Message) -> JSONStringEncoder? {
        guard let text = message.contentType, let type = MediaType(parsing: Array(text.utf8)[...]), type.type == "text"
        else { return nil }
        switch type.charset {
        case nil, "utf-8", "utf8": break
        case "us-ascii": guard message.content.allSatisfy({ $0 < 0x80 }) else { return nil }
        default: return nil
        }
        return JSONStringEncoder(message.content)
    }
}

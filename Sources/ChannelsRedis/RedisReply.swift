/// What a server answers (RESP2).
enum RedisReply: Sendable, Equatable {
    /// The null bulk string and the null array.
    case null
    case integer(Int64)
    /// A bulk string.
    case bytes([UInt8])
    /// A simple string: `OK`.
    case status(String)
    /// Its first word is a code: `WRONGTYPE Operation against …`.
    case error(String)
    /// Nested seven deep at most.
    case array([RedisReply])
}

extension RedisReply {
    /// Of a bulk string or a status; nil for anything else. What is not UTF-8 is replaced.
    var text: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// Of an integer, or of a bulk string that is one in decimal; nil for anything else.
    var int: Int64? {
        switch self {
        case .integer(let number): number
        case .bytes: text.flatMap { Int64($0) }
        default: nil
        }
    }

    /// Of a bulk string; nil for anything else.
    var content: [UInt8]? {
        if case .bytes(let bytes) = self { return bytes }
        return nil
    }

    /// Of an array; nil for anything else.
    var elements: [RedisReply]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// What was published, if this is such a push and no answer: `["message", channel, payload]`, `["smessage", …]`, or
    /// `["pmessage", pattern, channel, payload]`.
    var published: (channel: [UInt8], payload: [UInt8])? {
        guard let elements, elements.count >= 3, case .bytes(let kind) = elements[0] else { return nil }
        let isPush =
            switch elements.count {
            case 3: kind.elementsEqual("message".utf8) || kind.elementsEqual("smessage".utf8)
            case 4: kind.elementsEqual("pmessage".utf8)
            default: false
            }
        guard isPush, case .bytes(let channel) = elements[elements.count - 2],
            case .bytes(let payload) = elements[elements.count - 1]
        else { return nil }
        return (channel, payload)
    }

    /// That is a push, too: `["sunsubscribe", channel, count]`, as the server does not have the channel's slot any more.
    var endsSubscription: Bool {
        guard let elements, elements.count == 3, case .bytes(let kind) = elements[0] else { return false }
        return kind.elementsEqual("sunsubscribe".utf8)
    }
}

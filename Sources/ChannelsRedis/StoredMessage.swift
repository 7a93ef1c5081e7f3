import Channels

/// A message as it stands in Redis: numbers in big-endian order, then texts, then the content (`Scripts/messages.lua`).
struct StoredMessage: Sendable {
    var sentAt: UInt64
    var deadline: UInt64
    /// Zeros where the message's id is its own number.
    var idEpoch: UInt64
    var idNumber: UInt64
    var group: GroupName?
    var message: Message

    static let headBytes = 37
    static let isJSONFlag: UInt8 = 1
    static let hasTypeFlag: UInt8 = 2

    /// Nil where the bytes are not those of a message.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes else { return nil }
        func number(at start: Int, bytes count: Int) -> UInt64 {
            bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        sentAt = number(at: 0, bytes: 8)
        deadline = number(at: 8, bytes: 8)
        idEpoch = number(at: 16, bytes: 8)
        idNumber = number(at: 24, bytes: 8)
        let flags = bytes[32]
        let typeEnd = Self.headBytes + Int(number(at: 33, bytes: 2))
        let groupEnd = typeEnd + Int(number(at: 35, bytes: 2))
        guard groupEnd <= bytes.count else { return nil }
        let type = String(decoding: bytes[Self.headBytes..<typeEnd], as: UTF8.self)
        group = groupEnd == typeEnd ? nil : try? GroupName(String(decoding: bytes[typeEnd..<groupEnd], as: UTF8.self))
        message = Message(
            content: Array(bytes[groupEnd...]), contentType: flags & Self.hasTypeFlag == 0 ? nil : type,
            isJSON: flags & Self.isJSONFlag != 0)
    }

    var bytes: [UInt8] {
        let type = Array((message.contentType ?? "").utf8)
        let group = Array((group?.rawValue ?? "").utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headBytes + type.count + group.count + message.content.count)
        func append(_ number: UInt64, bytes count: Int) {
            for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        for number in [sentAt, deadline, idEpoch, idNumber] { append(number, bytes: 8) }
        bytes.append(Self.flags(of: message))
        append(UInt64(type.count), bytes: 2)
        append(UInt64(group.count), bytes: 2)
        return bytes + type + group + message.content
    }

    static func flags(of message: Message) -> UInt8 {
        (message.isJSON ? isJSONFlag : 0) | (message.contentType == nil ? 0 : hasTypeFlag)
    }
}

/// What a delivery carries, so that it finds its place again when it is given back.
final class TakenFromRedis: Sendable {
    let shard: Int
    let epoch: Int64
    let number: Int64
    let stamp: Int64
    /// The message without its content, which the delivery has.
    let head: StoredMessage

    init(shard: Int, epoch: Int64, number: Int64, stamp: Int64, head: StoredMessage) {
        self.shard = shard
        self.epoch = epoch
        self.number = number
        self.stamp = stamp
        self.head = head
    }
}

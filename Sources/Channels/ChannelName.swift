/// The name of a channel: a first-in first-out queue, each of whose messages reaches at most one receiver.
///
/// 1 to 200 printable ASCII characters (0x20 to 0x7E), all of them allowed. Names compare in ASCII order.
public struct ChannelName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// Length in bytes of the mailbox part, up to and including the first `!`; 0 where the name holds none.
    private let mailboxBytes: UInt8

    /// - Throws: ``ChannelError`` with code `invalidName` (400) where `rawValue` is not a name.
    public init(_ rawValue: String) throws(ChannelError) {
        self.mailboxBytes = try NameRules.check(rawValue, kind: "channel")
        self.rawValue = rawValue
    }

    /// The queue that the channel's messages wait in: `inbox!` for `inbox!ann`, the channel itself where it has no `!`.
    ///
    /// All channels of one mailbox share its queue and its capacity.
    public var queue: ChannelName {
        Int(mailboxBytes) == rawValue.utf8.count ? self : (mailbox ?? self)
    }

    /// `inbox!` for `inbox!ann` and for `inbox!` itself; nil for a channel of its own.
    public var mailbox: ChannelName? {
        guard mailboxBytes > 0 else { return nil }
        return ChannelName(unchecked: String(rawValue.utf8.prefix(Int(mailboxBytes)))!, mailboxBytes: mailboxBytes)
    }

    /// True for `inbox!`: to receive on it takes the oldest message of any channel `inbox!…`.
    public var isMailbox: Bool { mailboxBytes > 0 && Int(mailboxBytes) == rawValue.utf8.count }

    /// True for `inbox!ann`: a channel inside a mailbox, but not the mailbox itself.
    public var isInMailbox: Bool { mailboxBytes > 0 && Int(mailboxBytes) < rawValue.utf8.count }

    public var description: String { rawValue }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public static func == (left: Self, right: Self) -> Bool { left.rawValue == right.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    private init(unchecked rawValue: String, mailboxBytes: UInt8) {
        self.rawValue = rawValue
        self.mailboxBytes = mailboxBytes
    }
}

/// The name of a group: a set of channels that one send reaches. The same rules as for a ``ChannelName``.
public struct GroupName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// - Throws: ``ChannelError`` with code `invalidName` (400) where `rawValue` is not a name.
    public init(_ rawValue: String) throws(ChannelError) {
        _ = try NameRules.check(rawValue, kind: "group")
        self.rawValue = rawValue
    }

    public var description: String { rawValue }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What names must be; point 10 of the specification.
enum NameRules {
    static let bytesMax = 200

    /// Returns the length of the mailbox part in bytes, 0 for none.
    static func check(_ name: String, kind: String) throws(ChannelError) -> UInt8 {
        var name = name
        let byteCount = name.utf8.count
        guard byteCount >= 1, byteCount <= bytesMax else {
            throw .invalidName(kind: kind, reason: "it has \(byteCount) bytes", limit: bytesMax, actual: byteCount)
        }
        var mailboxBytes = 0
        let offender = name.withUTF8 { bytes -> Int? in
            for (offset, byte) in bytes.enumerated() {
                guard byte >= 0x20, byte <= 0x7E else { return offset }
                if byte == UInt8(ascii: "!"), mailboxBytes == 0 { mailboxBytes = offset + 1 }
            }
            return nil
        }
        if let offender {
            throw .invalidName(kind: kind, reason: "byte \(offender) is not printable ASCII", limit: nil, actual: nil)
        }
        return UInt8(mailboxBytes)
    }
}

extension ChannelName {
    /// The names of a receive once each, in their order; of a mailbox that is named, none of its channels.
    package static func distinct(_ names: [ChannelName]) -> [ChannelName] {
        guard names.count > 1 else { return names }
        let all = Set(names)
        if all.count == names.count, !names.contains(where: \.isInMailbox) { return names }
        var seen: Set<ChannelName> = []
        return names.filter { name in
            if name.isInMailbox, all.contains(name.queue) { return false }
            return seen.insert(name).inserted
        }
    }
}

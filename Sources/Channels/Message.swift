/// What is sent: bytes, and what they are.
public struct Message: Sendable, Equatable {
    /// The content, byte for byte as it was sent. Shared, never copied, by all copies of a group send.
    public var content: [UInt8]

    /// The media type to deliver it with, as sent; nil for plain JSON (`application/json`).
    public var contentType: String?

    /// True where `content` is one JSON text, checked: plain JSON, or a type that ends in `+json`.
    public var isJSON: Bool

    public init(content: [UInt8], contentType: String? = nil, isJSON: Bool = true) {
        self.content = content
        self.contentType = contentType
        self.isJSON = isJSON
    }
}

/// The name of an accepted message, unique in its layer.
///
/// Written as `epoch-number` in hexadecimal, at least 11 and 12 digits, so that of two ids the shorter is the older and among
/// equally long ones ASCII order decides. The copies of one group send share one id.
public struct MessageID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// New whenever numbers restart, and never lower than one before it.
    public let epoch: UInt64
    /// Grows with each accepted send of the layer (of its shard, on a sharded backend).
    public let number: UInt64

    public init(epoch: UInt64, number: UInt64) {
        self.epoch = epoch
        self.number = number
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.epoch, left.number) < (right.epoch, right.number)
    }

    public var description: String {
        String(unsafeUninitializedCapacity: Self.textBytesMax) { write(into: $0) }
    }

    /// Appends what `description` says, without a string in between.
    public func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.textBytesMax) { buffer in
            let length = write(into: buffer)
            bytes.append(contentsOf: buffer[..<length])
        }
    }

    package static let textBytesMax = 40

    /// Writes what `description` says into a buffer of at least `textBytesMax`; returns how many bytes of it.
    package func write(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var length = Self.write(epoch, digitsMin: 11, into: buffer, at: 0)
        buffer[length] = UInt8(ascii: "-")
        length += 1
        length += Self.write(number, digitsMin: 12, into: buffer, at: length)
        return length
    }

    private static func write(
        _ value: UInt64, digitsMin: Int, into buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) -> Int {
        let digitCount = max(digitsMin, (64 - value.leadingZeroBitCount + 3) / 4)
        // Sixteen digits, the last one last; those in front of which only zeros stand are left out.
        let all = (
            hexadecimal(of: UInt32(value >> 32)).bigEndian, hexadecimal(of: UInt32(truncatingIfNeeded: value)).bigEndian
        )
        withUnsafeBytes(of: all) { digits in
            for position in 0..<digitCount { buffer[start + position] = digits[16 - digitCount + position] }
        }
        return digitCount
    }

    /// Eight digits, the first one in the highest byte.
    private static func hexadecimal(of value: UInt32) -> UInt64 {
        // Each step halves the groups: 16 bits apart, then 8, then 4, until each byte holds one digit's value.
        var spread = UInt64(value)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // Bytes of 10 and more carry into bit 4: from there to the letters it is 39 more.
        let letters = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread + 0x3030_3030_3030_3030 + letters * 39
    }
}

/// A message that a receiver took.
public struct Delivery: Sendable {
    public var id: MessageID
    /// The channel that it was sent to; of a mailbox the full name, `inbox!ann`.
    public var channel: ChannelName
    /// The group whose send it is a copy of, nil for a direct send.
    public var group: GroupName?
    public var message: Message

    /// What the backend needs to take the delivery back (`giveBack`); nobody else reads it.
    public struct Receipt: Sendable {
        public var token: UInt64
        public var reference: (any AnyObject & Sendable)?

        public init(token: UInt64 = 0, reference: (any AnyObject & Sendable)? = nil) {
            self.token = token
            self.reference = reference
        }
    }
    public var receipt: Receipt

    public init(
        id: MessageID, channel: ChannelName, group: GroupName? = nil, message: Message, receipt: Receipt = Receipt()
    ) {
        self.id = id
        self.channel = channel
        self.group = group
        self.message = message
        self.receipt = receipt
    }
}

/// A command, encoded as it is put together: an array of bulk strings (RESP). A large argument is not copied: it stays the array
/// that it is, and is written from there.
struct RedisCommand: Sendable {
    /// Enough for ten small arguments.
    private static let reservedBytes = 256

    /// As it was given: `SUBSCRIBE`.
    let name: String
    private var argumentCount: Int64 = 0
    /// All but the count of arguments, which comes first and is known last.
    private var arguments = OutgoingBytes()

    init(_ name: String) {
        self.name = name
        arguments.reserveCopied(Self.reservedBytes)
        append(name)
    }

    // MARK: Arguments

    mutating func append(_ text: String) {
        var text = text
        // A large text is rare; it is copied like a small one.
        text.withUTF8 { text in
            beginArgument(byteCount: text.count)
            arguments.append(copying: UnsafeRawBufferPointer(text))
        }
        arguments.appendLineEnd()
    }

    /// In decimal.
    mutating func append(_ number: Int64) {
        beginArgument(byteCount: OutgoingBytes.digitCount(number.magnitude) + (number < 0 ? 1 : 0))
        arguments.append(decimal: number)
        arguments.appendLineEnd()
    }

    mutating func append(_ bytes: [UInt8]) {
        beginArgument(byteCount: bytes.count)
        arguments.append(bytes)
        arguments.appendLineEnd()
    }

    private mutating func beginArgument(byteCount: Int) {
        argumentCount += 1
        arguments.append(UInt8(ascii: "$"))
        arguments.append(decimal: Int64(byteCount))
        arguments.appendLineEnd()
    }

    // MARK: On its way

    /// What it takes in memory and on the wire, but for the count of arguments.
    var byteCount: Int { arguments.count }

    func encode(into bytes: inout OutgoingBytes) {
        bytes.append(UInt8(ascii: "*"))
        bytes.append(decimal: argumentCount)
        bytes.appendLineEnd()
        bytes.append(arguments)
    }

    /// After this one the connection is a subscriber's: pushes come on it.
    var subscribes: Bool { ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"].contains(name.uppercased()) }

    /// How many replies it has: to a subscription, one for each channel.
    var replyCount: Int { subscribes ? Int(argumentCount) - 1 : 1 }
}

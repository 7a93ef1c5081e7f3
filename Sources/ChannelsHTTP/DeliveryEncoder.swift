import Channels
import HTTPCore

/// Writes deliveries as the content of an answer.
///
/// ## How it works
/// Between the payloads stands *glue*: names, ids, brackets. Small payloads are copied into it, so that the usual answer is
/// one array. Larger ones become pieces of their own: JSON is the very array in which the message waited; text and base64
/// are encoded while they are written.
struct DeliveryEncoder {
    /// Payloads up to this size are copied.
    static let copiedBytesMax = 4 << 10
    /// Glue with what was copied into it, until it becomes a piece.
    static let glueBytesMax = 64 << 10

    private var glue: JSONWriter
    private var pieces: [ContentPiece] = []

    private init(byteCountExpected: Int) {
        glue = JSONWriter(byteCountExpected: byteCountExpected)
    }

    /// One delivery: the answer without `max`.
    static func content(of delivery: Delivery) -> HTTPContent {
        let byteCount = delivery.message.content.count
        var encoder = DeliveryEncoder(byteCountExpected: byteCount <= copiedBytesMax ? 160 + byteCount : 160)
        encoder.write(delivery)
        return encoder.finish()
    }

    /// `{"messages":[…]}`: the answer with `max`.
    static func content(of deliveries: [Delivery]) -> HTTPContent {
        var encoder = DeliveryEncoder(byteCountExpected: 256)
        encoder.glue.beginObject()
        encoder.glue.name("messages")
        encoder.glue.beginArray()
        for delivery in deliveries { encoder.write(delivery) }
        encoder.glue.endArray()
        encoder.glue.endObject()
        return encoder.finish()
    }

    private mutating func write(_ delivery: Delivery) {
        glue.beginObject()
        glue.name("channel")
        glue.string(delivery.channel.rawValue)
        glue.name("id")
        glue.id(delivery.id)
        if let group = delivery.group {
            glue.name("group")
            glue.string(group.rawValue)
        }
        glue.name("message")
        let isBase64 = write(delivery.message)
        if let contentType = delivery.message.contentType {
            glue.name("contentType")
            glue.string(contentType)
        }
        if isBase64 {
            glue.name("encoding")
            glue.string("base64")
        }
        glue.endObject()
        if glue.bytes.count > Self.glueBytesMax { cutGlue() }
    }

    /// Returns true where it came out as base64.
    private mutating func write(_ message: Message) -> Bool {
        if message.isJSON {
            if message.content.count <= Self.copiedBytesMax {
                glue.json(message.content)
            } else {
                glue.beginValue()
                cutGlue()
                pieces.append(.bytes(message.content))
            }
            return false
        }
        if let encoder = TextType.encoder(for: message) {
            writeString(encoder)
            return false
        }
        writeString(Base64Encoder(message.content))
        return true
    }

    private mutating func writeString(_ encoder: some ContentEncoder) {
        glue.beginValue("\"")
        if encoder.byteCount <= Self.copiedBytesMax {
            var encoder = encoder
            glue.append { encoder.encode(into: &$0, bytesMax: Self.copiedBytesMax) }
        } else {
            cutGlue()
            pieces.append(.encoded(encoder))
        }
        glue.endValue("\"")
    }

    private mutating func cutGlue() {
        pieces.append(.bytes(glue.takeBytes()))
    }

    private mutating func finish() -> HTTPContent {
        if pieces.isEmpty { return .bytes(glue.takeBytes()) }
        cutGlue()
        return .pieces(pieces)
    }
}

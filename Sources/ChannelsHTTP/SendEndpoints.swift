import Channels
import HTTPCore

/// `POST /channels/{channel}`: sends the content.
struct SendEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let channel: ChannelName
    private let expiry: Duration?
    private let form: MessageForm

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        channel = try request.channel(at: 0)
        expiry = try request.query(.expiry).seconds(.expiry)
        form = try MessageForm(request.head)
    }

    var intent: Intent { Intent(action: .send, layer: layer.name, channels: [channel]) }

    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer {
        guard let backend = layer.immediate else { return try park(content, exchange) }
        let message = try form.message(of: content)
        guard let receipt = try backend.sendAtOnce(message, to: channel, options: SendOptions(expiry: expiry)) else {
            return .needsTask
        }
        return .response(Self.answer(to: receipt))
    }

    private func park(_ content: [UInt8], _ exchange: any HTTPExchange) throws -> EndpointAnswer {
        guard let callbacks = layer.callbacks else { return .needsTask }
        let message = try form.message(of: content)
        return .waits(
            try layer.park(
                message, to: channel, options: SendOptions(expiry: expiry), on: callbacks, exchange: exchange,
                answer: Self.answer(to:)))
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let message = try form.message(of: content)
        return Self.answer(
            to: try await layer.send(message, to: channel, options: SendOptions(expiry: expiry), by: layer.sendDeadline)
        )
    }

    @Sendable private static func answer(to receipt: SendReceipt) -> HTTPResponse {
        var json = JSONWriter()
        json.object { $0.members(of: receipt) }
        return .accepted(json.takeBytes())
    }
}

/// `POST /groups/{group}`: sends the content to every member.
struct GroupSendEndpoint: LayerEndpoint {
    static let excludedMax = 1000

    private let layer: ServedLayer
    private let group: GroupName
    private let options: GroupSendOptions
    private let form: MessageForm

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        group = try request.group(at: 0)
        let query = try request.query(.expiry, .exclude)
        options = GroupSendOptions(
            expiry: try query.seconds(.expiry),
            excluded: try query.channels(.exclude, countMax: Self.excludedMax))
        form = try MessageForm(request.head)
    }

    var intent: Intent { Intent(action: .send, layer: layer.name, groups: [group]) }

    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer {
        guard let backend = layer.immediate else { return try park(content, exchange) }
        let message = try form.message(of: content)
        guard let receipt = try backend.sendGroupAtOnce(message, to: group, options: options) else { return .needsTask }
        return .response(Self.answer(to: receipt))
    }

    private func park(_ content: [UInt8], _ exchange: any HTTPExchange) throws -> EndpointAnswer {
        guard let callbacks = layer.callbacks else { return .needsTask }
        let message = try form.message(of: content)
        return .waits(
            try layer.park(
                message, to: group, options: options, on: callbacks, exchange: exchange, answer: Self.answer(to:)))
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let message = try form.message(of: content)
        return Self.answer(
            to: try await layer.sendGroup(message, to: group, options: options, by: layer.sendDeadline))
    }

    @Sendable private static func answer(to receipt: GroupSendReceipt) -> HTTPResponse {
        var json = JSONWriter()
        json.object { $0.members(of: receipt) }
        return .accepted(json.takeBytes())
    }
}

extension JSONWriter {
    /// What a send answers; an entry of a batch, too.
    mutating func members(of receipt: SendReceipt) {
        members(bytesMax: MessageID.textBytesMax + 80) { text in
            text.write(#""id":""#)
            text.write { receipt.id.write(into: $0) }
            text.write(#"","pending":"#)
            text.writeInteger(receipt.pending)
            text.write(#","capacity":"#)
            text.writeInteger(receipt.capacity)
        }
    }

    mutating func members(of receipt: GroupSendReceipt) {
        members(bytesMax: MessageID.textBytesMax + 50) { text in
            if let id = receipt.id {
                text.write(#""id":""#)
                text.write { id.write(into: $0) }
                text.write(#"","members":"#)
            } else {
                text.write(#""id":null,"members":"#)
            }
            text.writeInteger(receipt.members)
        }
    }
}

extension TextWriter {
    /// A count, or null.
    fileprivate mutating func writeInteger(_ value: Int?) {
        if let value { writeDecimal(value) } else { write("null") }
    }
}

extension HTTPResponse {
    fileprivate static func accepted(_ json: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: 202, commonFields: jsonFields, content: .bytes(json))
    }
}

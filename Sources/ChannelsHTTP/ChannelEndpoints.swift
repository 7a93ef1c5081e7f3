import Channels
import HTTPCore

/// `GET /channels/{channel}`: why is it not arriving?
struct ChannelStatusEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let channel: ChannelName

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        channel = try request.channel(at: 0)
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .inspect, layer: layer.name, channels: [channel]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let status = try await layer.backend.status(of: channel)
        var json = JSONWriter(byteCountExpected: 512)
        json.object { json in
            json.name("channel")
            json.string(channel.rawValue)
            json.name("pending")
            json.integer(status.pending)
            json.name("capacity")
            json.integer(status.capacity)
            json.name("oldestAge")
            json.seconds(status.oldestAge)
            json.name("waiting")
            json.integer(status.waiting)
            json.name("groups")
            if let groups = status.groups {
                json.array(of: groups) { $0.string($1.rawValue) }
            } else {
                json.null()
            }
            json.members(of: status.counts)
        }
        return .json(json.takeBytes())
    }
}

/// `DELETE /channels/{channel}`: drops the messages that wait there.
struct PurgeEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let channel: ChannelName

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        channel = try request.channel(at: 0)
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .admin, layer: layer.name, channels: [channel]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        try await layer.backend.purge(channel)
        return .noContent
    }
}

/// `POST /channels`: makes a channel name that nobody can guess. Nothing is stored: every name is a channel.
struct NewChannelEndpoint: LayerEndpoint {
    /// 128 bits in hexadecimal.
    static let randomBytes = 32
    static let prefixBytesMax = 200 - randomBytes

    private let layer: ServedLayer

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        _ = try request.query()
        _ = try JSONContent(request.head, isOptional: true)
    }

    var intent: Intent { Intent(action: .receive, layer: layer.name) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let channel = try makeName(prefix: content.isEmpty ? "" : prefix(in: content))
        var json = JSONWriter()
        json.object { json in
            json.name("channel")
            json.string(channel.rawValue)
        }
        let location = "\(layer.pathPrefix)/channels/\(PercentEncoding.encode(channel.rawValue))"
        return HTTPResponse(
            status: 201, commonFields: HTTPResponse.freshJSONFields, fields: [("Location", location)],
            content: .bytes(json.takeBytes()))
    }

    private func prefix(in content: [UInt8]) throws(Problem) -> String {
        let json = try JSONReader.checked(content)
        return try MemberReader(json.root, in: json, known: [.prefix]).text(.prefix) ?? ""
    }

    private func makeName(prefix: String) throws(Problem) -> ChannelName {
        guard prefix.utf8.count <= Self.prefixBytesMax else {
            throw Problem(
                .invalidName,
                "With \(Self.randomBytes) random characters after it, 'prefix' may have up to "
                    + "\(Self.prefixBytesMax) characters.",
                limit: Self.prefixBytesMax, actual: prefix.utf8.count)
        }
        var random = SystemRandomNumberGenerator()
        var name = prefix
        for _ in 0..<2 {
            let digits = String(random.next() as UInt64, radix: 16)
            name += String(repeating: "0", count: 16 - digits.count) + digits
        }
        return try .checked(name)
    }
}

extension JSONWriter {
    /// What happened to messages, of a channel or a layer; nulls where the backend cannot tell.
    mutating func members(of counts: MessageCounts?) {
        name("sent")
        integer(counts?.sent)
        name("delivered")
        integer(counts?.delivered)
        name("expired")
        integer(counts?.expired)
        name("purged")
        integer(counts?.purged)
        name("rejected")
        integer(counts?.rejected)
        name("dropped")
        integer(counts?.dropped)
    }
}

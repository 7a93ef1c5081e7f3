import Channels
import HTTPCore

/// `PUT /groups/{group}/{channel}`: adds a member, or renews it.
struct GroupAddEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let group: GroupName
    private let channel: ChannelName
    private let options: GroupAddOptions

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        group = try request.group(at: 0)
        channel = try request.channel(at: 1)
        options = GroupAddOptions(expiry: try request.query(.expiry).seconds(.expiry))
    }

    var intent: Intent { Intent(action: .group, layer: layer.name, channels: [channel], groups: [group]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        try await layer.backend.groupAdd(channel, to: group, options: options)
        return .noContent
    }
}

/// `DELETE /groups/{group}/{channel}`: removes a member; nothing otherwise.
struct GroupDiscardEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let group: GroupName
    private let channel: ChannelName

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        group = try request.group(at: 0)
        channel = try request.channel(at: 1)
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .group, layer: layer.name, channels: [channel], groups: [group]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        try await layer.backend.groupDiscard(channel, from: group)
        return .noContent
    }
}

/// `GET /groups/{group}`: the members in ASCII order, a page at a time.
struct GroupMembersEndpoint: LayerEndpoint {
    static let membersMax = 10_000

    private let layer: ServedLayer
    private let group: GroupName
    private let options: GroupMembersOptions

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        group = try request.group(at: 0)
        let query = try request.query(.limit, .after)
        var options = GroupMembersOptions()
        if let limit = try query.integer(.limit, in: 1...Self.membersMax) { options.limit = limit }
        if let after = query.text(.after) { options.after = try .checked(after) }
        self.options = options
    }

    var intent: Intent { Intent(action: .inspect, layer: layer.name, groups: [group]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let page = try await layer.backend.groupMembers(group, options: options)
        var json = JSONWriter(byteCountExpected: 64 + 32 * page.channels.count)
        json.object { json in
            json.name("group")
            json.string(group.rawValue)
            json.name("channels")
            json.array(of: page.channels) { $0.string($1.rawValue) }
            json.name("next")
            if page.hasMore, let last = page.channels.last { json.string(last.rawValue) } else { json.null() }
        }
        return .json(json.takeBytes())
    }
}

/// `DELETE /groups/{group}`: removes all members.
struct GroupRemoveEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let group: GroupName

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        group = try request.group(at: 0)
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .admin, layer: layer.name, groups: [group]) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        try await layer.backend.removeGroup(group)
        return .noContent
    }
}

import Channels
import HTTPCore

/// `POST /flush`: drops every message and group of the layer.
struct FlushEndpoint: LayerEndpoint {
    private let layer: ServedLayer

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .admin, layer: layer.name) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        try await layer.backend.flush()
        return .noContent
    }
}

/// `GET /stats`: the layer's totals.
struct StatsEndpoint: LayerEndpoint {
    private let layer: ServedLayer
    private let service: Service

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        service = request.service
        _ = try request.query()
    }

    var intent: Intent { Intent(action: .inspect, layer: layer.name) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let stats = try await layer.backend.stats()
        var json = JSONWriter(byteCountExpected: 512)
        json.object { json in
            json.name("pending")
            json.integer(stats.pending)
            json.members(of: stats.counts)
            json.name("groupSends")
            json.integer(stats.groupSends)
            json.name("groupCopies")
            json.integer(stats.groupCopies)
            json.name("lost")
            json.integer(stats.lost)
            json.name("channels")
            json.integer(stats.channels)
            json.name("groups")
            json.integer(stats.groups)
            json.name("waiting")
            json.integer(stats.waiting)
            json.name("bytes")
            json.integer(stats.bytes)
            json.name("uptime")
            json.seconds(service.startedAt.duration(to: service.settings.clock.now))
        }
        return .json(json.takeBytes())
    }
}

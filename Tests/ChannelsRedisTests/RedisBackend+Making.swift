import Channels
import Foundation

@testable import ChannelsRedis

extension RedisBackend {
    /// A layer on a clock of the test's: Redis's own stands in a key, which each call sets before.
    static func make(
        servers: [RedisServer], prefix: String = UUID().uuidString, settings: LayerSettings = LayerSettings(),
        clock: any ChannelClock, callTimeMax: Duration = RedisCore.callTimeMax
    ) throws -> RedisBackend {
        let hosts = servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return try make(
            url: "redis://\(hosts)/0", parameters: ["prefix": prefix], settings: settings, clock: clock,
            callTimeMax: callTimeMax)
    }

    /// - Parameter report: what the operator is told.
    static func make(
        url: String, parameters: [String: String] = [:], settings: LayerSettings = LayerSettings(),
        clock: any ChannelClock, callTimeMax: Duration = RedisCore.callTimeMax,
        report: @escaping @Sendable (BackendReport) -> Void = { _ in }
    ) throws -> RedisBackend {
        let begin = clock.now
        let context = BackendContext(
            layer: "test", url: try BackendURL(url), parameters: parameters, settings: settings, clock: clock,
            report: report)
        return try make(
            context, library: .onClockInKey, time: { 1_800_000_000_000_000 + (clock.now - begin).microseconds },
            callTimeMax: callTimeMax)
    }

    static func make(
        server: RedisServer, prefix: String = UUID().uuidString, settings: LayerSettings = LayerSettings(),
        clock: any ChannelClock
    ) throws -> RedisBackend {
        try make(servers: [server], prefix: prefix, settings: settings, clock: clock)
    }

    static func context(
        servers: [RedisServer], prefix: String, settings: LayerSettings, clock: any ChannelClock
    ) throws -> BackendContext {
        let hosts = servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return BackendContext(
            layer: "test", url: try BackendURL("redis://\(hosts)/0"), parameters: ["prefix": prefix],
            settings: settings,
            clock: clock)
    }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}

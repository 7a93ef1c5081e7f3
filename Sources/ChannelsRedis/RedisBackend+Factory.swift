public import Channels
import Reactor

extension RedisBackend {
    /// What the factory is registered under.
    public static let schemes = ["redis", "redis+unix", "redis+sentinel", "redis+cluster"]
    /// Why `rediss:` is not.
    package static let noTLS =
        "Laurel has no TLS of its own. Put a tunnel in front of Redis, and name that: 'redis://127.0.0.1:6379/0'."

    /// The factory for, each with `prefix` (default `laurel`) and the settings of every layer:
    ///
    /// - `redis://[user:password@]host[:port][,host[:port]…][/database]`: several hosts are as many shards, in this order, for
    ///   ever.
    /// - `redis+unix:PATH`.
    /// - `redis+sentinel://[user:password@]sentinel[:port],…/master[,master…][/database]`: several masters are as many shards.
    ///   `sentinel-user` and `sentinel-password` are what the Sentinels themselves ask for.
    /// - `redis+cluster://[user:password@]node[:port],…`: some of the nodes; they tell of the others. `shards`, 1 to 64, default
    ///   6, is for ever.
    ///
    /// The server starts whether Redis is there or not.
    ///
    /// - Throws: ``RegistryError`` for a URL with anything else in it.
    public static func make(_ context: BackendContext) throws -> RedisBackend {
        try make(context, library: .current)
    }

    /// - Parameters: see ``RedisCore``.
    static func make(
        _ context: BackendContext, library: ShardLibrary, time: (@Sendable () -> Int64)? = nil,
        callTimeMax: Duration = RedisCore.callTimeMax
    ) throws -> RedisBackend {
        let address = try RedisAddress(context)
        let prefix = context.parameters["prefix"] ?? "laurel"
        guard !prefix.isEmpty, prefix.utf8.count <= 200, !prefix.contains(where: { "{}".contains($0) }) else {
            throw RegistryError(
                "'prefix' of layer '\(context.layer)' is 1 to 200 bytes without braces, not '\(prefix)'.")
        }
        let loop = try EventLoop(name: "redis")
        try loop.start()
        let core = RedisCore(
            at: address.places(prefix: prefix, on: loop), credentials: address.credentials, settings: context.settings,
            library: library, clock: context.clock, time: time, callTimeMax: callTimeMax,
            report: context.report, on: loop)
        loop.execute { core.start() }
        return RedisBackend(core: core, settings: context.settings, clock: context.clock)
    }
}

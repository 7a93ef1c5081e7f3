import Channels
import ChannelsMemory
import ChannelsRedis
import ChannelsSQLite

/// The program that runs: `laurel`, or somebody's own with further backends.
struct Program: Sendable {
    /// What help and errors call it.
    let name: String
    /// The backends that it offers, with no layers yet.
    var backends: BackendRegistry

    /// Commands are made by the argument parser, so this reaches them by the task that they run in.
    @TaskLocal static var current = bare

    /// The one that was started, with the built-in backends alone.
    static let bare = {
        var backends = BackendRegistry()
        backends.register("memory") { try MemoryBackend.make($0) }
        backends.register("sqlite") { try SQLiteBackend.make($0) }
        for scheme in RedisBackend.schemes { backends.register(scheme) { try RedisBackend.make($0) } }
        backends.refuse("rediss", because: RedisBackend.noTLS)
        let name = CommandLine.arguments.first?.split(separator: "/").last
        return Program(name: name.map(String.init) ?? "laurel", backends: backends)
    }()
}

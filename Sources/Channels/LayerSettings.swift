/// The settings that every layer has, whatever its backend. Each has a safe default.
public struct LayerSettings: Sendable, Equatable {
    /// How long a message may wait that names no expiry of its own.
    public var expiry: Duration = .seconds(60)
    /// How long a membership lasts that names no expiry of its own.
    public var groupExpiry: Duration = .seconds(86_400)
    /// How many unexpired messages wait in a queue at most.
    public var capacity: Int = 100
    /// Capacities for queues whose name matches; the first match counts.
    public var channelCapacities: [ChannelCapacity] = []
    /// Payloads and bookkeeping at most, in bytes (memory backend).
    public var memoryBytesMax: Int = 1 << 30
    /// How many groups a channel is in at most.
    public var groupsPerChannelMax: Int = 1000

    public init() {}

    /// The limit of what waits in `queue`, a channel or a mailbox.
    public func capacity(of queue: ChannelName) -> Int {
        for rule in channelCapacities where rule.pattern.matches(queue.rawValue) { return rule.capacity }
        return capacity
    }

    public struct ChannelCapacity: Sendable, Equatable {
        public var pattern: GlobPattern
        public var capacity: Int

        public init(pattern: GlobPattern, capacity: Int) {
            self.pattern = pattern
            self.capacity = capacity
        }
    }
}

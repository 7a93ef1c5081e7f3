/// One backend instance with its settings, under a name.
public struct Layer: Sendable {
    public let name: String
    /// The backend as it is served: it can wait, and never blocks its caller. The store itself where it can both.
    public let backend: any WaitingChannelBackend
    /// The same, where it does the sends of a batch together (``BatchingChannelBackend``).
    public let batching: (any BatchingChannelBackend)?
    /// The backend as its factory made it, not to be called around `backend`.
    public let store: any ChannelBackend
    public let settings: LayerSettings
    public let clock: any ChannelClock

    /// Puts around `store` what it lacks: threads of its own where it may block, a poller where it cannot wait.
    public init(name: String, store: any ChannelBackend, settings: LayerSettings, clock: any ChannelClock) {
        self.name = name
        self.store = store
        self.settings = settings
        self.clock = clock
        let mayBlock = !(store is any ImmediateChannelBackend) && !store.traits.neverBlocks
        if let store = store as? any WaitingChannelBackend {
            backend = mayBlock ? Self.offLoop(store, layer: name) : store
        } else {
            backend = PolledBackend(mayBlock ? Self.offLoop(store, layer: name) : store, clock: clock)
        }
        // What stands around it can do so for any, but at no gain.
        batching = store is any BatchingChannelBackend ? backend as? any BatchingChannelBackend : nil
    }

    private static func offLoop(_ store: some ChannelBackend, layer: String) -> any ChannelBackend {
        OffLoopBackend(store, layer: layer)
    }

    private static func offLoop(_ store: some WaitingChannelBackend, layer: String) -> any WaitingChannelBackend {
        OffLoopBackend(store, layer: layer)
    }
}

// What a backend has that implements nothing but the MUSTs.

extension ChannelBackend {
    public var traits: BackendTraits { BackendTraits() }

    /// Asks again and again, at growing intervals of up to 250 ms. A backend that can be told of a send does better.
    public func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        var pause = Duration.milliseconds(5)
        while true {
            let deliveries = try await receiveMany(channels, options: options)
            let left = ContinuousClock.now.duration(to: deadline)
            if !deliveries.isEmpty || left <= .zero { return deliveries }
            try await Task.sleep(for: min(pause, left))
            pause = min(pause * 2, .milliseconds(250))
        }
    }

    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        throw ChannelError.notImplemented("send to groups")
    }

    public func giveBack(_ deliveries: [Delivery]) async -> Int { deliveries.count }

    public func purge(_ channel: ChannelName) async throws { throw ChannelError.notImplemented("purge channels") }

    public func removeGroup(_ group: GroupName) async throws { throw ChannelError.notImplemented("remove groups") }

    public func flush() async throws { throw ChannelError.notImplemented("flush") }

    public func status(of channel: ChannelName) async throws -> ChannelStatus { ChannelStatus() }

    public func stats() async throws -> LayerStats { LayerStats() }

    public func checkReadiness() async throws {}

    public func shutdown() async {}
}

// What a backend has that implements nothing but the MUSTs.

extension ChannelBackend {
    public var traits: BackendTraits { BackendTraits() }

    /// One send to each member, a page of members at a time; who is full gets none. Each copy is a message with an id of its
    /// own, so the receipt has none; `members` are those that it was meant for.
    ///
    /// Where a send fails, the other members get theirs all the same, unless so many fail in a row that the store must be
    /// away: ten.
    ///
    /// - Throws: what `send` throws, if no member can have got its copy; `outcomeUnknown` if some have.
    public func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) async throws -> GroupSendReceipt {
        let excluded = Set(options.excluded)
        let copy = SendOptions(expiry: options.expiry, group: group)
        var copies = CopiesUnderWay()
        do {
            try await forEachMember(of: group) { channel in
                guard !excluded.contains(channel) else { return }
                copies.members += 1
                do {
                    _ = try await send(message, to: channel, options: copy)
                    copies.succeeded()
                } catch let error as ChannelError where error.code == .channelFull {
                    // The member loses by it, not the sender.
                } catch {
                    try copies.failed(error)
                }
            }
        } catch {
            copies.failure = copies.failure ?? error
        }
        return try copies.receipt()
    }

    public func giveBack(_ deliveries: [Delivery]) async -> Int { deliveries.count }

    /// Not made of receives: what they take would count as delivered.
    public func purge(_ channel: ChannelName) async throws { throw ChannelError.notImplemented("purge channels") }

    /// Discards one member after the other.
    public func removeGroup(_ group: GroupName) async throws {
        try await forEachMember(of: group) { try await groupDiscard($0, from: group) }
    }

    public func flush() async throws { throw ChannelError.notImplemented("flush") }

    public func status(of channel: ChannelName) async throws -> ChannelStatus { ChannelStatus() }

    public func stats() async throws -> LayerStats { LayerStats() }

    public func checkReadiness() async throws {}

    public func shutdown() async {}

    /// Goes through the members, page by page. Each page begins after the last one, so it ends although others join.
    private func forEachMember(of group: GroupName, _ body: (ChannelName) async throws -> Void) async throws {
        var options = GroupMembersOptions()
        while true {
            let page = try await groupMembers(group, options: options)
            for channel in page.channels { try await body(channel) }
            guard page.hasMore, let last = page.channels.last else { return }
            options.after = last
        }
    }
}

/// What has become of the copies of a group send so far.
private struct CopiesUnderWay {
    /// After so many failures in a row, what is left is not tried.
    static let failuresMax = 10

    var members = 0
    /// The first one, but one that leaves open what was stored goes before others.
    var failure: (any Error)?
    private var storedCount = 0
    private var failuresInARow = 0

    mutating func succeeded() {
        storedCount += 1
        failuresInARow = 0
    }

    /// - Throws: `error`, where it is one too many.
    mutating func failed(_ error: any Error) throws {
        if failure == nil || (error as? ChannelError)?.code == .outcomeUnknown { failure = error }
        failuresInARow += 1
        if failuresInARow == Self.failuresMax { throw error }
    }

    func receipt() throws -> GroupSendReceipt {
        guard let failure else { return GroupSendReceipt(id: nil, members: members) }
        guard storedCount > 0 else { throw failure }
        throw ChannelError(
            .outcomeUnknown, "\(storedCount) members have got it, others may not have: their sends failed.",
            underlying: failure)
    }
}

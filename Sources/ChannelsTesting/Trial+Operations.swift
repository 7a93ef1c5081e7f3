import Channels

/// The backend's operations in few words, on names and contents that are texts.
extension Trial {
    @discardableResult
    func send(_ text: String, to channel: String, expiry: Duration? = nil) async throws -> SendReceipt {
        try await send(Message(content: Array(text.utf8)), to: channel, expiry: expiry)
    }

    @discardableResult
    func send(_ message: Message, to channel: String, expiry: Duration? = nil) async throws -> SendReceipt {
        try await backend.send(message, to: ChannelName(channel), options: SendOptions(expiry: expiry))
    }

    /// Sends where the channel may be full. Nil where it was refused for that.
    func sendUnlessFull(_ text: String, to channel: String) async throws -> SendReceipt? {
        do {
            return try await send(text, to: channel)
        } catch let error as ChannelError where error.code == .channelFull {
            return nil
        }
    }

    /// Fills a channel of that capacity with the texts 1, 2, …
    ///
    /// - Throws: `Absence` for a backend without capacities.
    func fill(_ channel: String, capacity: Int) async throws {
        for number in 1...capacity { try await send("\(number)", to: channel) }
        guard let receipt = try await sendUnlessFull("\(capacity + 1)", to: channel) else { return }
        guard receipt.capacity != nil else { throw Absence(reason: "the backend has no capacities") }
        throw Breach(
            expected: "channelFull for message \(capacity + 1) in a channel of \(capacity)", seen: "\(receipt)")
    }

    /// Sends to a group.
    ///
    /// - Throws: `Absence` for a backend that cannot.
    @discardableResult
    func sendGroup(
        _ text: String, to group: String, expiry: Duration? = nil, excluding excluded: [String] = []
    ) async throws -> GroupSendReceipt {
        try await optional {
            try await backend.sendGroup(
                Message(content: Array(text.utf8)), to: GroupName(group),
                options: GroupSendOptions(expiry: expiry, excluded: excluded.map { try ChannelName($0) }))
        }
    }

    /// Of two group sends the later has the greater id, where they have one.
    func requireGrowth(from first: GroupSendReceipt, to second: GroupSendReceipt) throws {
        guard let firstID = first.id, let secondID = second.id else { return }
        try require(firstID < secondID, "ids that grow", seen: "\(secondID) after \(firstID)")
    }

    /// Does sends together, as of a batch.
    ///
    /// - Throws: `Absence` for a backend that does one after the other; `Breach` unless there is one result for each.
    func sendEach(_ sends: [BatchedSend]) async throws -> [Result<BatchedReceipt, any Error>] {
        guard let batching else { throw Absence(reason: "the backend does the sends of a batch one by one") }
        let results = await batching.sendEach(sends)
        try requireEqual(results.count, sends.count, "results, one for each send")
        return results
    }

    func take(_ channels: String..., max messagesMax: Int = 1) async throws -> [Delivery] {
        try await backend.receiveMany(
            channels.map { try ChannelName($0) }, options: ReceiveOptions(messagesMax: messagesMax))
    }

    /// Takes everything from a channel, one message at a time, and compares.
    func requireMessages(_ expected: [String], in channel: String, _ what: String) async throws {
        var texts: [String] = []
        // One that never ends shows as well as one that goes on for a while.
        while texts.count <= expected.count + 3, let delivery = try await take(channel).first {
            texts.append(delivery.text)
        }
        try requireEqual(texts, expected, "in '\(channel)', \(what)")
    }

    func join(_ channel: String, to group: String, expiry: Duration? = nil) async throws {
        try await backend.groupAdd(
            ChannelName(channel), to: GroupName(group), options: GroupAddOptions(expiry: expiry))
    }

    func leave(_ channel: String, from group: String) async throws {
        try await backend.groupDiscard(ChannelName(channel), from: GroupName(group))
    }

    /// All members, from pages of the default size.
    func members(of group: String) async throws -> [String] {
        let name = try GroupName(group)
        var options = GroupMembersOptions()
        var members: [String] = []
        while true {
            let page = try await backend.groupMembers(name, options: options)
            members += page.channels.map(\.rawValue)
            guard page.hasMore, let last = page.channels.last else { return members }
            if let after = options.after, last <= after {
                throw Breach(expected: "members after '\(after)'", seen: "'\(last)'")
            }
            options.after = last
        }
    }

    func status(of channel: String) async throws -> ChannelStatus {
        try await optional { try await backend.status(of: ChannelName(channel)) }
    }

    func purge(_ channel: String) async throws {
        try await optional { try await backend.purge(ChannelName(channel)) }
    }

    func removeGroup(_ group: String) async throws {
        try await optional { try await backend.removeGroup(GroupName(group)) }
    }

    /// Gives deliveries back. Returns how many are lost.
    ///
    /// - Throws: `Absence` for a backend that takes nothing back.
    @discardableResult
    func giveBack(_ deliveries: [Delivery]) async throws -> Int {
        guard backend.traits.givesBack else { throw Absence(reason: "the backend takes nothing back") }
        return await backend.giveBack(deliveries)
    }

    /// Calls what a backend may lack.
    func optional<Value>(_ operation: () async throws -> Value) async throws -> Value {
        do {
            return try await operation()
        } catch let error as ChannelError where error.code == .notImplemented {
            throw Absence(reason: error.message)
        }
    }
}

import Channels

/// Does the sends of a batch in one call, one after the other; else it has the MUSTs alone, of the backend inside.
struct SendingEach: BatchingChannelBackend {
    let base: any ChannelBackend
    var traits = BackendTraits()

    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        var results: [Result<BatchedReceipt, any Error>] = []
        for send in sends {
            do {
                switch send {
                case .channel(let channel, let message, let options):
                    results.append(.success(.channel(try await base.send(message, to: channel, options: options))))
                case .group(let group, let message, let options):
                    results.append(.success(.group(try await base.sendGroup(message, to: group, options: options))))
                }
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options)
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: options)
    }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await base.groupDiscard(channel, from: group)
    }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await base.groupMembers(group, options: options)
    }
}

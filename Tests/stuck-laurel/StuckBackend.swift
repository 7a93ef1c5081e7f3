import Channels
import Foundation

/// A store that has gone, with a client that waits for it for ever, and blocks meanwhile: `stuck:`. Or one that says of itself
/// that it does not block, and so is called where it harms everybody: `stuck:on-loops`.
struct StuckBackend: WaitingChannelBackend {
    let traits: BackendTraits

    init(neverBlocks: Bool) { traits = BackendTraits(neverBlocks: neverBlocks) }

    /// Tells it first.
    private func block(_ operation: String = #function) -> Never {
        FileHandle.standardError.write(Data("stuck in \(operation)\n".utf8))
        // Nothing waits for this to end: a thread that never comes back is what the test is about.
        while true { sleep(1000) }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt { block() }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { block() }
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] { block() }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws { block() }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws { block() }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage { block() }
    func shutdown() async { block() }
}

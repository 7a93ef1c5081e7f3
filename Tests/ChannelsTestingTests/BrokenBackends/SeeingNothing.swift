import Channels
import ChannelsReference

/// Tells of a layer in which nothing ever happens, where it cannot tell what does.
struct SeeingNothing: WrappingBackend {
    let base: any WaitingChannelBackend

    func status(of channel: ChannelName) async throws -> ChannelStatus {
        ChannelStatus(pending: 0, capacity: 100, oldestAge: .zero, waiting: 0, groups: [], counts: MessageCounts())
    }
    func stats() async throws -> LayerStats { LayerStats(counts: MessageCounts(), pending: 0) }
}

import Channels
import ChannelsReference

/// A membership lasts as long as its last renewal says.
struct ShorteningByRenewal: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupDiscard(channel, from: group)
        try await base.groupAdd(channel, to: group, options: options)
    }
}

import Channels
import ChannelsReference

/// Memberships last for ever.
struct NeverLapsing: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: GroupAddOptions(expiry: .seconds(1_000_000)))
    }
}

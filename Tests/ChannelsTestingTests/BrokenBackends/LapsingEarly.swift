import Channels
import ChannelsReference

/// Memberships last for half their expiry.
struct LapsingEarly: WrappingBackend {
    let base: any WaitingChannelBackend

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: GroupAddOptions(expiry: options.expiry.map { $0 / 2 }))
    }
}

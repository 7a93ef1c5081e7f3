import Channels
import ChannelsReference

/// A group cannot be joined, for a reason of its own.
struct Failing: WrappingBackend {
    struct DiskError: Error {}
    let base: any WaitingChannelBackend

    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        throw DiskError()
    }
}

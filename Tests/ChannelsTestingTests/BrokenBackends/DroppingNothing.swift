import Channels
import ChannelsReference

/// Purges, flushes and removes groups without an effect.
struct DroppingNothing: WrappingBackend {
    let base: any WaitingChannelBackend

    func purge(_ channel: ChannelName) async throws {}
    func removeGroup(_ group: GroupName) async throws {}
    func flush() async throws {}
}

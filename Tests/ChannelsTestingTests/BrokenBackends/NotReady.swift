import Channels
import ChannelsReference

/// Says that it cannot serve.
struct NotReady: WrappingBackend {
    let base: any WaitingChannelBackend

    func checkReadiness() async throws { throw ChannelError(.backendUnavailable, "Not yet.") }
}

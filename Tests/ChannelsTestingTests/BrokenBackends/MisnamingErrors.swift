import Channels
import ChannelsReference

/// Says of everything that the store is out of reach.
struct MisnamingErrors: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        do {
            return try await base.send(message, to: channel, options: options)
        } catch {
            throw ChannelError(.backendUnavailable, "The store is out of reach.", underlying: error)
        }
    }
}

import Channels
import ChannelsReference

/// A send to a full channel waits for room.
struct BlockingWhenFull: WrappingBackend {
    let base: any WaitingChannelBackend

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        while true {
            do {
                return try await base.send(message, to: channel, options: options)
            } catch let error as ChannelError where error.code == .channelFull {
                // That is what is broken here: it waits, and looks again, until the kit gives up on it.
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }
}

import Channels
import ChannelsReference

/// Leaves out the last send of a batch, and its result.
struct ForgettingTheLast: WrappingBackend, BatchingChannelBackend {
    let base: any WaitingChannelBackend

    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        await SendingEach(base: base).sendEach(sends.dropLast())
    }
}

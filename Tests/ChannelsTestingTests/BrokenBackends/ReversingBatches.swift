import Channels
import ChannelsReference

/// Does the sends of a batch last one first.
struct ReversingBatches: WrappingBackend, BatchingChannelBackend {
    let base: any WaitingChannelBackend

    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        await SendingEach(base: base).sendEach(sends.reversed()).reversed()
    }
}

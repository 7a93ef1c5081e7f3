import Channels
import ChannelsReference

/// Does a batch as one transaction: where one send is refused, all are.
struct AllOrNothing: WrappingBackend, BatchingChannelBackend {
    let base: any WaitingChannelBackend

    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        let results = await SendingEach(base: base).sendEach(sends)
        let refusal = results.first { (try? $0.get()) == nil }
        return refusal.map { refusal in sends.map { _ in refusal } } ?? results
    }
}

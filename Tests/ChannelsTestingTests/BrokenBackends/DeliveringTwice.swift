import Channels
import ChannelsReference
import Synchronization

/// Lets each third message be taken a second time.
final class DeliveringTwice: WrappingBackend {
    let base: any WaitingChannelBackend
    private let state = Mutex<(takes: Int, again: [Delivery])>((0, []))

    init(base: any WaitingChannelBackend) { self.base = base }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        let again: Delivery? = state.withLock { state in
            guard
                let index = state.again.firstIndex(where: { again in
                    channels.contains { $0 == again.channel || $0 == again.channel.mailbox }
                })
            else { return nil }
            return state.again.remove(at: index)
        }
        if let again { return [again] }
        let deliveries = try await base.receiveMany(channels, options: options)
        state.withLock { state in
            for delivery in deliveries {
                state.takes += 1
                if state.takes.isMultiple(of: 3) { state.again.append(delivery) }
            }
        }
        return deliveries
    }
}

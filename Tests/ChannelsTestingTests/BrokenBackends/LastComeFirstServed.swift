import Channels
import ChannelsReference
import Synchronization

/// Serves who came last first.
final class LastComeFirstServed: WrappingBackend {
    private struct Waiter {
        let channels: [ChannelName]
        let continuation: CheckedContinuation<[Delivery], Never>
    }

    let base: any WaitingChannelBackend
    private let waiters = Mutex<[Waiter]>([])

    init(base: any WaitingChannelBackend) { self.base = base }

    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        await withCheckedContinuation { continuation in
            waiters.withLock { $0.append(Waiter(channels: channels, continuation: continuation)) }
        }
    }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        let receipt = try await base.send(message, to: channel, options: options)
        let waiter = waiters.withLock { waiters in
            waiters.lastIndex { $0.channels.contains(channel) }.map { waiters.remove(at: $0) }
        }
        if let waiter {
            let deliveries = try await base.receiveMany([channel], options: ReceiveOptions())
            waiter.continuation.resume(returning: deliveries)
        }
        return receipt
    }

    func stats() async throws -> LayerStats {
        var stats = try await base.stats()
        stats.waiting = waiters.withLock(\.count)
        return stats
    }

    func shutdown() async {
        for waiter in waiters.withLock({ $0 }) { waiter.continuation.resume(returning: []) }
    }
}

import Channels
import ChannelsMemory
import ChannelsTesting
import Synchronization
import Testing

@Suite("Receivers that wait without a task")
struct ParkedReceiverTests {
    private let clock = ManualClock()
    private let names: [ChannelName]

    init() throws { names = [try ChannelName("a")] }

    /// What a receiver has heard.
    private final class Receiver: WaitingReceiver {
        private let heard = Mutex<[[Delivery]?]>([])

        var ends: [[Delivery]?] { heard.withLock { $0 } }

        func waitEnded(with deliveries: [Delivery]?) { heard.withLock { $0.append(deliveries) } }
    }

    @Test("What is there is answered at once, and the receiver hears nothing")
    func present() async throws {
        let backend = MemoryBackend(clock: clock, epoch: 1)
        let receipt = try await backend.send(Message(content: [0x31]), to: names[0], options: SendOptions())
        let receiver = Receiver()
        let start = try backend.receiveManyAtOnce(names, options: ReceiveOptions(), orWait: receiver)
        guard case .deliveries(let deliveries) = start else { throw Unexpected() }
        #expect(deliveries.map(\.id) == [receipt.id])
        #expect(receiver.ends.isEmpty)
    }

    @Test("A wait that is ended, twice, is heard of once, and takes nothing later")
    func ended() async throws {
        let backend = MemoryBackend(clock: clock, epoch: 1)
        let receiver = Receiver()
        let wait = try park(receiver, on: backend)
        wait.end()
        wait.end()
        #expect(receiver.ends.count == 1 && receiver.ends[0] == nil)
        #expect(
            try await backend.send(Message(content: [0x31]), to: names[0], options: SendOptions()).pending == 1)
        #expect(receiver.ends.count == 1)
    }

    @Test("A message and an end at the same time: the receiver hears once, and the message is there or with it")
    func race() async throws {
        let backend = MemoryBackend(clock: clock, epoch: 1)
        for _ in 0..<2000 {
            let receiver = Receiver()
            let wait = try park(receiver, on: backend)
            async let ending: Void = Task.detached { wait.end() }.value
            let receipt = try await backend.send(Message(content: [0x31]), to: names[0], options: SendOptions())
            await ending
            try #require(receiver.ends.count == 1)
            let left = try await backend.receiveMany(names, options: ReceiveOptions())
            let ids = (receiver.ends[0] ?? []) + left
            #expect(ids.map(\.id) == [receipt.id])
        }
    }

    @Test("A receiver for which there is no memory is refused, and hears nothing")
    func refused() async throws {
        var settings = LayerSettings()
        settings.memoryBytesMax = 100
        let backend = MemoryBackend(settings: settings, clock: clock, epoch: 1)
        let receiver = Receiver()
        #expect {
            _ = try backend.receiveManyAtOnce(names, options: ReceiveOptions(), orWait: receiver)
        } throws: {
            ($0 as? ChannelError)?.code == .layerFull
        }
        #expect(receiver.ends.isEmpty)
        #expect(try await backend.stats().waiting == 0)
    }

    private struct Unexpected: Error {}

    private func park(_ receiver: Receiver, on backend: MemoryBackend) throws -> any ReceiveWait {
        let start = try backend.receiveManyAtOnce(names, options: ReceiveOptions(), orWait: receiver)
        guard case .waits(let wait) = start else { throw Unexpected() }
        return wait
    }
}

import ChannelsTesting
import Testing

@testable import Channels

@Suite("The sends of a batch, as a layer passes them on", .timeLimit(.minutes(1)))
struct LayerBatchTests {
    private let store = ScriptedBackend()
    private let clock = ManualClock()

    @Test("A layer does not offer what its backend does not do, whatever stands around it", arguments: [false, true])
    func notOffered(neverBlocks: Bool) {
        let store = ScriptedBackend(traits: BackendTraits(neverBlocks: neverBlocks))
        let layer = Layer(name: "default", store: store, settings: LayerSettings(), clock: clock)
        #expect(layer.batching == nil)
    }

    @Test("Asked for it nevertheless, it does one send after the other; one that is refused undoes no other")
    func oneByOne() async throws {
        let (a, b) = (try ChannelName("a"), try ChannelName("b"))
        let group = try GroupName("g")
        try await store.groupAdd(a, to: group, options: GroupAddOptions())
        try store.fill("b")
        let message = Message(content: [49])
        let results = await PolledBackend(store, clock: clock).sendEach([
            .channel(a, message, SendOptions()), .channel(b, message, SendOptions()),
            .group(group, message, GroupSendOptions()),
        ])
        #expect(results.map { (try? $0.get()) != nil } == [true, false, true])
        #expect(store.sends.map(\.options.group) == [nil, group])
    }
}

import Channels
import ChannelsTesting
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// One of many that call a backend at once, at random: it notes what was accepted, what it took and what went back.
///
/// A call may be refused for a full channel, or because its commit was. Then nothing of it may be seen, ever.
struct RandomCaller {
    /// A copy of a message, and what it said.
    struct Copy: Hashable {
        let id: MessageID
        let channel: String
        let isOfGroup: Bool
        let text: String

        init(_ delivery: Delivery) {
            (id, channel) = (delivery.id, delivery.channel.rawValue)
            (isOfGroup, text) = (delivery.group != nil, delivery.text)
        }

        init(_ id: MessageID, _ channel: String, _ text: String) {
            (self.id, self.channel, isOfGroup, self.text) = (id, channel, false, text)
        }
    }

    private(set) var sent: Set<Copy> = []
    private(set) var sentToGroups: [MessageID: String] = [:]
    /// What the answers to group sends said.
    private(set) var memberCount = 0
    /// In the order in which it came.
    private(set) var taken: [Copy] = []
    private(set) var givenBack: [Copy] = []

    static let channels = ["a", "b", "m!", "m!x", "m!y"]
    static let groups = ["g", "h"]

    private let layer: Layer
    private let name: String
    /// Nothing expires and nothing is purged.
    private let isEndless: Bool
    private var random: SplitMix
    private var held: [Delivery] = []
    private var lastText = 0

    private struct Mistake: Error {}

    init(of layer: Layer, number: Int, seed: UInt64, isEndless: Bool) {
        self.layer = layer
        name = "\(number)"
        self.isEndless = isEndless
        random = SplitMix(state: seed << 8 + UInt64(number))
    }

    /// Makes one call, and returns when it is answered.
    mutating func call() async {
        switch random.below(100) {
        case 0..<25: await send()
        case 25..<40: await sendGroup()
        case 40..<60: await receive()
        case 60..<68: await wait()
        case 68..<72: await waitAndCancel()
        case 72..<82: await giveBack()
        case 82..<88: await changeGroup()
        case 88..<92: await fail()
        case 92..<94: await drop()
        default: await look()
        }
    }

    // MARK: Calls

    private mutating func send() async {
        let (text, channel, expiry) = (nextText(), anyChannel(), anyExpiry())
        let receipt = await unlessRefused { try await layer.send(text, to: channel, expiry: expiry) }
        if let receipt { sent.insert(Copy(receipt.id, channel, text)) }
    }

    private mutating func sendGroup() async {
        let (text, group) = (nextText(), anyGroup())
        let excluded = random.chance(1, in: 3) ? [try! ChannelName(anyChannel())] : []
        let options = GroupSendOptions(expiry: anyExpiry(), excluded: excluded)
        let receipt = await unlessRefused {
            try await layer.backend.sendGroup(
                Message(content: Array(text.utf8)), to: GroupName(group), options: options)
        }
        guard let receipt, let id = receipt.id else { return }
        sentToGroups[id] = text
        memberCount += receipt.members ?? 0
    }

    private mutating func receive() async {
        let (names, options) = anyReceive()
        take(await unlessRefused { try await layer.backend.receiveMany(names, options: options) })
    }

    private mutating func wait() async {
        let (names, options) = anyReceive()
        let deadline = layer.clock.now.advanced(by: .milliseconds(20 * random.below(5)))
        take(
            await unlessRefused {
                try await layer.backend.receiveManyBlocking(names, options: options, until: deadline)
            })
    }

    private mutating func waitAndCancel() async {
        let (names, options) = anyReceive()
        let deadline = layer.clock.now.advanced(by: .seconds(10))
        let task = Task { [layer] in
            try await layer.backend.receiveManyBlocking(names, options: options, until: deadline)
        }
        for _ in 0..<random.below(5) { await Task.yield() }
        task.cancel()
        take(await unlessRefused { try await task.value })
    }

    private mutating func giveBack() async {
        guard !held.isEmpty else { return await receive() }
        let returned = Array(held.suffix(1 + random.below(3)))
        held.removeLast(returned.count)
        let lost = await layer.backend.giveBack(returned)
        #expect(lost == 0 || lost == returned.count)
        if lost == 0 { givenBack += returned.map { Copy($0) } }
    }

    private mutating func changeGroup() async {
        let (channel, group) = (anyChannel(), anyGroup())
        let choice = random.below(20)
        await unlessRefused {
            switch choice {
            case 0: try await layer.backend.removeGroup(GroupName(group))
            case 1..<7: try await layer.backend.groupDiscard(ChannelName(channel), from: GroupName(group))
            default: try await layer.join(channel, group)
            }
        }
    }

    /// A send, perhaps to who waits, whose transaction fails after it.
    private mutating func fail() async {
        let channel = anyChannel()
        await unlessRefused {
            try await layer.backend.perform { store in
                _ = try store.send(
                    Message(content: Array("undone".utf8)), to: ChannelName(channel), options: SendOptions())
                throw Mistake()
            }
        }
    }

    private mutating func drop() async {
        guard !isEndless else { return await look() }
        let (channel, isFlush) = (anyChannel(), random.chance(1, in: 10))
        await unlessRefused {
            if isFlush {
                try await layer.backend.flush()
            } else {
                try await layer.backend.purge(ChannelName(channel))
            }
        }
    }

    /// Whenever one looks, all that was sent is somewhere.
    private mutating func look() async {
        let stats = await unlessRefused { try await layer.backend.stats() }
        if let stats, let counts = stats.counts {
            #expect(counts.sent == counts.delivered + counts.expired + counts.purged + (stats.pending ?? -1))
        }
    }

    // MARK: Answers

    private mutating func take(_ deliveries: [Delivery]?) {
        guard let deliveries else { return }
        taken += deliveries.map { Copy($0) }
        held += deliveries
        if held.count > 10 { held.removeFirst(held.count - 10) }
    }

    @discardableResult
    private func unlessRefused<Value>(_ call: () async throws -> Value) async -> Value? {
        do {
            return try await call()
        } catch let error as ChannelError where [.channelFull, .backendUnavailable].contains(error.code) {
            return nil
        } catch  where error is Mistake || error is CancellationError {
            return nil
        } catch {
            Issue.record(error)
            return nil
        }
    }

    // MARK: Random arguments

    private mutating func anyChannel() -> String { Self.channels[random.below(Self.channels.count)] }
    private mutating func anyGroup() -> String { Self.groups[random.below(Self.groups.count)] }

    /// Nil is the layer's: for ever, as this goes.
    private mutating func anyExpiry() -> Duration? {
        isEndless || random.chance(1, in: 3) ? nil : .milliseconds(20 * random.below(100))
    }

    private mutating func anyReceive() -> ([ChannelName], ReceiveOptions) {
        let names = Set((0...random.below(2)).map { _ in anyChannel() }).sorted()
        let options = ReceiveOptions(messagesMax: 1 + random.below(4), contentBytesMax: 5 + random.below(20))
        return (names.map { try! ChannelName($0) }, options)
    }

    private mutating func nextText() -> String {
        lastText += 1
        return "\(name)-\(lastText)"
    }
}

import Channels

/// A receiver in wait. It asks the shards of its channels, one at a time; it waits when it has nothing left to ask.
// SAFETY: everything that changes is touched on the loop only.
final class Waiter: @unchecked Sendable {
    /// Each once; of a mailbox none of its channels.
    let names: [ChannelName]
    let options: ReceiveOptions
    let shards: [Int: [ChannelName]]
    /// Receivers are served in this order.
    var arrival: UInt64 = 0
    /// Shards to ask, each once, the next one first.
    private(set) var toAsk: [Int] = []
    /// Shards that have not said yet what is there. Until they have, it is a receive like any other: its time limit does not end
    /// it, and where one of them fails, so does it.
    private var unseen: Set<Int>
    /// Shards that may ring this server for its channels, as they had nothing for it.
    private(set) var ringing: Set<Int> = []
    /// Its time was up before it had looked.
    var isLate = false
    /// The shard that has been asked and has not answered.
    var asked: Int?
    /// It has a question, and waits for its turn.
    var isQueued = false
    /// Bells that it answers for: should it be served by something else, another must.
    var bells: [ChannelName] = []
    var state = State.fresh
    /// Told once how the wait ended: with what was taken, or with nothing.
    var resume: ((Result<[Delivery], any Error>) -> Void)?

    enum State {
        case fresh
        case waiting
        /// It ends with the answer that is under way: that may bring something.
        case ending
        case over
    }

    init(_ names: [ChannelName], options: ReceiveOptions, shards: [Int: [ChannelName]]) {
        self.names = names
        self.options = options
        self.shards = shards
        unseen = Set(shards.keys)
    }

    var isAsking: Bool { asked != nil }
    var hasLooked: Bool { unseen.isEmpty }

    /// That shard has nothing for it.
    func saw(_ shard: Int) { unseen.remove(shard) }

    func mayBeRung(by shard: Int) { ringing.insert(shard) }

    /// Asks where it has not looked yet, whatever it was to wait for there.
    func askUnseen() {
        for shard in unseen where shard != asked { ask(shard) }
    }

    func ask(_ shard: Int) { if !toAsk.contains(shard) { toAsk.append(shard) } }

    func isToAsk(_ shard: Int) -> Bool { toAsk.contains(shard) }

    func nextToAsk() -> Int? { toAsk.isEmpty ? nil : toAsk.removeFirst() }
}

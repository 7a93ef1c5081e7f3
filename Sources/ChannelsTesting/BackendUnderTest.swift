public import Channels

/// A kind of backend that is put through the rules: how to make one, and what else they need to know.
public struct BackendUnderTest: Sendable {
    /// Makes a backend that is new and empty, with these settings, on this clock.
    ///
    /// Called once for each rule that is checked; where rules are checked in parallel (as Swift Testing does unless a suite
    /// is `.serialized`), from several threads at once, so that each needs a place of its own in the store.
    public typealias Factory = @Sendable (LayerSettings, any ChannelClock) async throws -> any ChannelBackend

    /// Where the backend has its time from.
    public enum Time: Sendable {
        /// From the clock that the factory is given, all of it: the kit moves that by hand, so nothing is waited for.
        case movedByHand
        /// From a clock of its own: the kit waits for real expiries, short ones.
        case real
    }

    /// Makes the backend.
    public var makeBackend: Factory
    /// Where it has its time from.
    public var time: Time
    /// False for a backend whose channels are on several shards: promised between them is a rough order only, and a receiver
    /// that waits gets the copies of a group send that its first shard has.
    public var ordersAcrossChannels: Bool
    /// How long after its deadline something may still be there at most, where time is real; what the step of the store's
    /// clock and the way to it add up to. Default 1 s.
    public var lateness: Duration
    /// How long one rule may take, in real time, before it counts as broken: long enough for a machine that is busy with
    /// other things. Default 180 s.
    public var timeLimit: Duration
    /// How long one answer may take, in real time, where it depends on nothing else. Default 30 s.
    public var answerLimit: Duration
    /// Hears of each rule that does not apply, and why. Prints a line by default.
    public var tellAbsent: @Sendable (ConformanceRule, _ reason: String) -> Void

    /// - Parameter makeBackend: Makes a new, empty backend; see ``Factory``.
    public init(
        time: Time, ordersAcrossChannels: Bool = true, lateness: Duration = .seconds(1),
        timeLimit: Duration = .seconds(180), answerLimit: Duration = .seconds(30),
        tellAbsent: @escaping @Sendable (ConformanceRule, _ reason: String) -> Void = {
            print("Not checked: \($0.sentence) (\($0.id)): \($1)")
        },
        makeBackend: @escaping Factory
    ) {
        self.time = time
        self.ordersAcrossChannels = ordersAcrossChannels
        self.lateness = lateness
        self.timeLimit = timeLimit
        self.answerLimit = answerLimit
        self.tellAbsent = tellAbsent
        self.makeBackend = makeBackend
    }

    /// The expiry that rules work with: long where it costs nothing, short where it is waited for.
    var span: Duration { time == .movedByHand ? .seconds(10) : .milliseconds(400) }
}

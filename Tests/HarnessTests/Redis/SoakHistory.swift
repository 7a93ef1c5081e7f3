/// What the clients of a soak were told. Instants are those of the clients' one clock.
struct SoakHistory: Sendable {
    /// A message's name: the how many-eth of which sender.
    struct Name: Hashable, Sendable, CustomStringConvertible {
        var sender: Int32
        var number: Int32

        init(_ sender: Int, _ number: Int) { (self.sender, self.number) = (Int32(sender), Int32(number)) }

        /// Of ``description``; nil of anything else.
        init?(_ text: String) {
            let parts = text.split(separator: ":").compactMap { Int($0) }
            guard parts.count == 2 else { return nil }
            self.init(parts[0], parts[1])
        }

        var description: String { "\(sender):\(number)" }
    }

    /// Channels and groups by their numbers.
    enum Target: Hashable, Sendable {
        case channel(Int)
        case group
    }

    enum Outcome: Sendable {
        case accepted
        /// Certainly not stored.
        case refused
        /// Nobody can tell.
        case open
    }

    struct Send: Sendable {
        let name: Name
        let target: Target
        let began: ContinuousClock.Instant
        let over: ContinuousClock.Instant
        let outcome: Outcome
    }

    struct Take: Sendable {
        let name: Name
        let channel: Int
        let began: ContinuousClock.Instant
        let over: ContinuousClock.Instant
    }

    /// A receive after which nobody can tell whether it took something: one message at most.
    struct OpenReceive: Sendable {
        let channels: [Int]
        let began: ContinuousClock.Instant
        /// The client closed the connection; else the server told it that it cannot tell.
        let isHangUp: Bool
    }

    /// A time in which a channel may have been a member, and one within it in which it certainly was.
    struct Membership: Sendable {
        let channel: Int
        var joinBegan: ContinuousClock.Instant
        /// Nil where nobody can tell.
        var joined: ContinuousClock.Instant?
        var leaveBegan: ContinuousClock.Instant?
        var left: ContinuousClock.Instant?
    }

    /// Redis is killed: at its end it is certainly gone, with all that was in it.
    struct Outage: Sendable {
        let began: ContinuousClock.Instant
        let over: ContinuousClock.Instant
    }

    /// What Redis has counted, over all channels.
    struct Sums: Sendable {
        var sent: Int
        var delivered: Int
        /// Expired, purged or dropped.
        var otherwise: Int
    }

    var sends: [Send] = []
    /// Each in the order in which its receiver took them.
    var takes: [Take] = []
    var openReceives: [OpenReceive] = []
    var memberships: [Membership] = []
    var outages: [Outage] = []
    /// Answers of Redis may not have come: what was taken in them is gone.
    var losesAnswers = false
    /// What the servers' counters of lost deliveries show, all of them together.
    var lostCount = 0
    /// In the end; nil where they are gone with Redis.
    var sums: Sums?
    /// Receives that found nothing.
    var emptyCount = 0
    /// The channels of each receive that a client ended by `finish`, and that brought nothing: what it took has gone back.
    var finishes: [[Int]] = []
    /// Answers that no client should see.
    var surprises: [String] = []

    mutating func add(_ other: SoakHistory) {
        sends += other.sends
        takes += other.takes
        openReceives += other.openReceives
        memberships += other.memberships
        outages += other.outages
        emptyCount += other.emptyCount
        finishes += other.finishes
        surprises += other.surprises
    }
}

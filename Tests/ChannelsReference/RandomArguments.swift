import Channels

/// What random operations are done with: few channels, small capacities and short times, so that all of it meets.
struct RandomArguments {
    private(set) var random: SplitMix
    /// In some runs so many that mailboxes find their groups by tables.
    let groups: [String]

    static let channels = ["a", "b", "c", "d", "m!", "m!x", "m!y", "m!z", "n!p", "n!q"]

    /// Of the layers that are compared.
    static var settings: LayerSettings {
        var settings = LayerSettings()
        settings.capacity = 3
        settings.channelCapacities = [
            .init(pattern: GlobPattern("m*"), capacity: 6), .init(pattern: GlobPattern("b"), capacity: 1),
        ]
        return settings
    }

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        groups = seed.isMultiple(of: 4) ? (0..<16).map { "g\($0)" } : ["g", "h", "i"]
    }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }
    mutating func chance(_ wins: Int, in all: Int) -> Bool { random.chance(wins, in: all) }

    mutating func channel() -> String { Self.channels[random.below(Self.channels.count)] }
    mutating func group() -> String { groups[random.below(groups.count)] }

    /// How long until the next operation. Steps and expiries are multiples of 20 ms, so that things often happen at the
    /// very instant of a deadline.
    mutating func step() -> Duration {
        switch random.below(20) {
        case 0..<14: .milliseconds(20 * random.below(3))
        case 14..<19: .milliseconds(20 * random.below(75))
        default: .seconds(random.below(8))
        }
    }

    mutating func expiry() -> Duration {
        switch random.below(10) {
        case 0: .zero
        case 1..<5: .milliseconds(20 * (1 + random.below(5)))
        case 5..<8: .milliseconds(20 * (1 + random.below(150)))
        default: .seconds(1 + random.below(30))
        }
    }

    /// Names as a backend's layer gets them: each once, and no channel of a mailbox that is named as well.
    mutating func receive() -> (names: [String], options: ReceiveOptions) {
        var names: [String] = []
        for _ in 0...random.below(3) {
            let name = channel()
            if !names.contains(where: { EagerReference.matches($0, name) || EagerReference.matches(name, $0) }) {
                names.append(name)
            }
        }
        let messagesMax = random.chance(1, in: 2) ? 1 : 1 + random.below(8)
        return (names, ReceiveOptions(messagesMax: messagesMax, contentBytesMax: 20 + random.below(200)))
    }
}

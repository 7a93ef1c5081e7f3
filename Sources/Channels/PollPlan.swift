/// What to ask the store next on behalf of those who wait: what was rung for, who has just come, and from time to time for
/// everything, for what others put there. Holds no lock and makes no call; see ``Poller``.
struct PollPlan {
    /// Names in one call at most.
    static let namesMax = 1000
    /// Between two looks for everything: twice as long each time that there is nothing, and short again when there was.
    static let pauseRange = Duration.milliseconds(5) ... .milliseconds(250)

    /// One call: for one message in any of these channels.
    struct Look {
        var names: [ChannelName] = []
        /// Whose first look it is.
        var newcomers: [Int] = []
        /// Part of a look for everything.
        var isSweep = false
    }

    enum Step {
        case look(Look)
        case sleep(until: ContinuousClock.Instant)
    }

    private struct Sweep {
        var names: [ChannelName]
        var position = 0
        var hasFound = false
    }

    private var rung: [ChannelName] = []
    private var rungNames: Set<ChannelName> = []
    private var newcomers: [Int] = []
    private var sweep: Sweep?
    private var sweepsAgain = false
    private var pause = pauseRange.lowerBound
    private var sweepDue: ContinuousClock.Instant
    private var lookCount = 0

    init(now: ContinuousClock.Instant) { sweepDue = now + pause }

    /// Something may have come to `name`.
    mutating func ring(_ name: ChannelName) {
        if rungNames.insert(name).inserted { rung.append(name) }
    }

    /// Something may have come to any channel.
    mutating func ringAll() { sweepsAgain = true }

    mutating func add(newcomer number: Int) { newcomers.append(number) }

    /// Whether there is something to ask for at once.
    var isRung: Bool { !rung.isEmpty || !newcomers.isEmpty || sweepsAgain }

    mutating func nextStep(for line: borrowing WaitingLine, now: ContinuousClock.Instant) -> Step {
        var look = takeRung(line)
        takeNewcomers(line, into: &look)
        if look.names.isEmpty { look = nextOfSweep(line, now: now) }
        guard !look.names.isEmpty else { return .sleep(until: sweepDue) }
        // A store that tries the names in turn begins with another one each time.
        lookCount &+= 1
        look.names.rotate(by: lookCount % look.names.count)
        return .look(look)
    }

    /// What becomes of a look's names when it has returned.
    mutating func returned(_ look: Look, hasFound: Bool, line: borrowing WaitingLine) {
        if look.isSweep {
            // Where there was something, there may be more.
            if hasFound { sweep?.hasFound = true } else { sweep?.position += Self.namesMax }
        } else if hasFound {
            for name in look.names where line.isWaitedFor(name) { ring(name) }
            newcomers += look.newcomers
        }
    }

    // MARK: The three kinds

    private mutating func takeRung(_ line: borrowing WaitingLine) -> Look {
        guard !rung.isEmpty else { return Look() }
        let taken = rung.prefix(Self.namesMax)
        rungNames.subtract(taken)
        rung.removeFirst(taken.count)
        var names: [ChannelName] = []
        for name in taken where line.isWaitedFor(name) { names.append(name) }
        return Look(names: names)
    }

    private mutating func takeNewcomers(_ line: borrowing WaitingLine, into look: inout Look) {
        guard !newcomers.isEmpty else { return }
        var known = Set(look.names)
        var takenCount = 0
        for number in newcomers {
            // Those that have ended meanwhile just leave.
            if let channels = line[number]?.channels {
                let strange = channels.filter { !known.contains($0) }
                guard look.names.isEmpty || look.names.count + strange.count <= Self.namesMax else { break }
                look.names += strange
                known.formUnion(strange)
                look.newcomers.append(number)
            }
            takenCount += 1
        }
        newcomers.removeFirst(takenCount)
    }

    private mutating func nextOfSweep(_ line: borrowing WaitingLine, now: ContinuousClock.Instant) -> Look {
        if sweep == nil, sweepsAgain || now >= sweepDue {
            sweepsAgain = false
            sweep = Sweep(names: line.names)
        }
        while let current = sweep, current.position < current.names.count {
            var names: [ChannelName] = []
            for name in current.names[current.position...].prefix(Self.namesMax) where line.isWaitedFor(name) {
                names.append(name)
            }
            guard names.isEmpty else { return Look(names: names, isSweep: true) }
            sweep?.position += Self.namesMax
        }
        if let finished = sweep {
            sweep = nil
            let longer = min(pause * 2, Self.pauseRange.upperBound)
            pause = finished.hasFound ? Self.pauseRange.lowerBound : longer
            sweepDue = now + pause
            if sweepsAgain { return nextOfSweep(line, now: now) }
        }
        return Look()
    }
}

extension [ChannelName] {
    fileprivate mutating func rotate(by count: Int) {
        self = Array(self[count...] + self[..<count])
    }
}

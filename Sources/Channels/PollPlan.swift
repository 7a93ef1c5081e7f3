/// What to ask the store next on behalf of those who wait: what was rung for, who has just come, and from time to time for
/// everything, for what others put there. Holds no lock and makes no call; see ``Poller``.
///
/// However much there is to do of one kind, the others have their turn: a look for everything that is due takes every second
/// call, and of the other calls who has just come and what was rung for are first in turn.
struct PollPlan {
    /// Names in one call at most.
    static let namesMax = 1000
    /// Between two looks for everything: twice as long each time that there is nothing, and short again when there was.
    static let pauseRange = Duration.milliseconds(5) ... .milliseconds(250)
    /// Calls for the same names in a row, in a look for everything, while there is something each time.
    static let repeatsMax = 16

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
        /// Calls so far for the names at `position`.
        var repeats = 0
        var hasFound = false
    }

    private var rung = InOrder<ChannelName>()
    private var rungNames: Set<ChannelName> = []
    private var newcomers = InOrder<Int>()
    private var sweep: Sweep?
    private var sweepsAgain = false
    /// Looks for everything that have begun. The last of them may be under way.
    private(set) var sweepsBegun = 0
    /// The next call is for what was rung for and who has just come, rather than for everything.
    private var othersFirst = true
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

    /// How many looks for everything have been to their end.
    var sweepsEnded: Int { sweep == nil ? sweepsBegun : sweepsBegun - 1 }

    /// Whether there is something to ask for at once.
    var isRung: Bool { !rung.isEmpty || !newcomers.isEmpty || sweepsAgain }

    mutating func nextStep(for line: borrowing WaitingLine, now: ContinuousClock.Instant) -> Step {
        var look = othersFirst ? nextOfOthers(line) : nextOfSweep(line, now: now)
        if look.names.isEmpty { look = othersFirst ? nextOfSweep(line, now: now) : nextOfOthers(line) }
        othersFirst = look.isSweep || look.names.isEmpty
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
            sweep?.repeats += 1
            if hasFound { sweep?.hasFound = true }
            guard let repeats = sweep?.repeats, !hasFound || repeats >= Self.repeatsMax else { return }
            // The other names have their turn; then these are asked for again.
            if hasFound { sweepsAgain = true }
            nextPage()
        } else if hasFound {
            for name in look.names where line.isWaitedFor(name) { ring(name) }
        }
    }

    // MARK: The three kinds

    private mutating func nextOfOthers(_ line: borrowing WaitingLine) -> Look {
        var look = Look()
        // Neither kind can fill all calls.
        if lookCount % 4 < 2 {
            takeRung(line, into: &look)
            takeNewcomers(line, into: &look)
        } else {
            takeNewcomers(line, into: &look)
            takeRung(line, into: &look)
        }
        return look
    }

    private mutating func takeRung(_ line: borrowing WaitingLine, into look: inout Look) {
        let known = Set(look.names)
        while look.names.count < Self.namesMax, let name = rung.popFirst() {
            rungNames.remove(name)
            if line.isWaitedFor(name), !known.contains(name) { look.names.append(name) }
        }
    }

    private mutating func takeNewcomers(_ line: borrowing WaitingLine, into look: inout Look) {
        guard !newcomers.isEmpty else { return }
        var known = Set(look.names)
        while let number = newcomers.first {
            // Those that have ended meanwhile just leave.
            if let channels = line[number]?.channels {
                let strange = channels.filter { !known.contains($0) }
                guard look.names.isEmpty || look.names.count + strange.count <= Self.namesMax else { return }
                look.names += strange
                known.formUnion(strange)
                look.newcomers.append(number)
            }
            newcomers.removeFirst()
        }
    }

    private mutating func nextOfSweep(_ line: borrowing WaitingLine, now: ContinuousClock.Instant) -> Look {
        if sweep == nil, sweepsAgain || now >= sweepDue {
            sweepsAgain = false
            sweepsBegun += 1
            sweep = Sweep(names: line.names)
        }
        while let current = sweep, current.position < current.names.count {
            var names: [ChannelName] = []
            for name in current.names[current.position...].prefix(Self.namesMax) where line.isWaitedFor(name) {
                names.append(name)
            }
            guard names.isEmpty else { return Look(names: names, isSweep: true) }
            nextPage()
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

    private mutating func nextPage() {
        sweep?.position += Self.namesMax
        sweep?.repeats = 0
    }
}

/// Elements that leave in the order in which they came, each in O(1) on average.
private struct InOrder<Element> {
    private var elements: [Element] = []
    /// Those before it have left.
    private var next = 0

    var isEmpty: Bool { next == elements.count }
    var first: Element? { isEmpty ? nil : elements[next] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        next += 1
        guard next == elements.count || next >= 1024 && next * 2 >= elements.count else { return }
        elements.removeFirst(next)
        next = 0
    }

    mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        removeFirst()
        return element
    }
}

extension [ChannelName] {
    fileprivate mutating func rotate(by count: Int) {
        self = Array(self[count...] + self[..<count])
    }
}

/// Who waits for which channels, in the order in which they came. Holds no lock and makes no call; see ``Poller``.
struct WaitingLine {
    /// Names that are waited for, over all waits, at most. Each takes some hundred bytes.
    static let linksMax = 1_000_000

    /// A receiver in wait, under a number that tells when it came.
    struct Wait {
        /// Each once.
        let channels: [ChannelName]
        let options: ReceiveOptions
        let began: ContinuousClock.Instant
        let continuation: CheckedContinuation<[Delivery], any Error>
        /// What ends it when its time is up.
        var timeLimit: (any ScheduledAction)?
        /// What ends it where that which holds it up does not return.
        var overtime: (any ScheduledAction)?
        /// The store has been asked for its channels since it came, at least once.
        var hasLooked = false
        /// It is to end as soon as nothing that is under way may bring it a message.
        var end: End?
    }

    enum End {
        case timeLimit
        case cancellation
    }

    private var waits: [Int: Wait] = [:]
    /// What is known of a name that is waited for.
    private struct Entry {
        /// The waits for it, the first one first.
        var numbers: [Int] = []
        /// Since when all that asked for it failed, and how.
        var failure: (since: ContinuousClock.Instant, error: any Error)?
    }

    private var byName: [ChannelName: Entry] = [:]
    private var failingCount = 0
    /// Of each mailbox how many times a channel inside is waited for.
    private var insideCounts: [ChannelName: Int] = [:]
    private var linkCount = 0
    private var severalCount = 0
    private var lastNumber = 0

    var count: Int { waits.count }
    var names: [ChannelName] { Array(byName.keys) }
    var numbers: [Int] { Array(waits.keys) }
    /// Whether somebody waits who wants more than one message.
    var wantsSeveral: Bool { severalCount > 0 }

    subscript(number: Int) -> Wait? {
        _read { yield waits[number] }
        _modify { yield &waits[number] }
    }

    /// - Throws: `layerFull` where too many names are waited for.
    mutating func add(_ wait: Wait) throws(ChannelError) -> Int {
        guard linkCount + wait.channels.count <= Self.linksMax else {
            throw ChannelError(
                .layerFull, "Too many receivers wait in this layer. Try again later, or on fewer channels.",
                limit: Self.linksMax)
        }
        lastNumber += 1
        linkCount += wait.channels.count
        waits[lastNumber] = wait
        if wait.options.messagesMax > 1 { severalCount += 1 }
        for name in wait.channels {
            byName[name, default: Entry()].numbers.append(lastNumber)
            if let mailbox = name.mailboxAround { insideCounts[mailbox, default: 0] += 1 }
        }
        return lastNumber
    }

    mutating func remove(_ number: Int) -> Wait? {
        guard let wait = waits.removeValue(forKey: number) else { return nil }
        linkCount -= wait.channels.count
        if wait.options.messagesMax > 1 { severalCount -= 1 }
        for name in wait.channels {
            byName[name]?.numbers.removeNumber(number)
            if byName[name]?.numbers.isEmpty == true {
                if byName.removeValue(forKey: name)?.failure != nil { failingCount -= 1 }
            }
            guard let mailbox = name.mailboxAround else { continue }
            insideCounts[mailbox, default: 0] -= 1
            if insideCounts[mailbox] == 0 { insideCounts[mailbox] = nil }
        }
        return wait
    }

    func isWaitedFor(_ name: ChannelName) -> Bool { byName[name] != nil }

    /// Whether somebody waits for what a receive on `name` may take: by that name, for the mailbox around it, or for a
    /// channel inside it.
    func isShared(_ name: ChannelName) -> Bool {
        isWaitedFor(name) || insideCounts[name] != nil || name.mailboxAround.map(isWaitedFor) ?? false
    }

    /// The waits that name `name`, the first one first.
    func waits(on name: ChannelName) -> [Int] { byName[name]?.numbers ?? [] }

    /// The waits that a message in `channel` could go to, by its own name or by its mailbox's.
    func waits(for channel: ChannelName) -> Set<Int> {
        var numbers = Set(waits(on: channel))
        if let mailbox = channel.mailbox { numbers.formUnion(waits(on: mailbox)) }
        return numbers
    }

    // MARK: A store that fails

    /// A call for `names` has failed. O(names), however many wait, as is a call that has not.
    mutating func failed(_ names: [ChannelName], _ error: any Error, at now: ContinuousClock.Instant) {
        for name in names where isWaitedFor(name) {
            let since = byName[name]?.failure?.since
            if since == nil { failingCount += 1 }
            byName[name]?.failure = (since ?? now, error)
        }
    }

    /// A call for `names` has not failed.
    mutating func succeeded(_ names: [ChannelName]) {
        guard failingCount > 0 else { return }
        for name in names where byName[name]?.failure != nil {
            byName[name]?.failure = nil
            failingCount -= 1
        }
    }

    /// How the store failed when it was last asked for the channels of a wait, or for some of them.
    func failure(of number: Int) -> (any Error)? {
        guard failingCount > 0, let wait = waits[number] else { return nil }
        for name in wait.channels {
            if let failure = byName[name]?.failure { return failure.error }
        }
        return nil
    }

    /// Who began to wait for any of `names` at `instant` or before, and all that asked for its channels failed since: the
    /// first ones, `max` at most.
    func failing(on names: [ChannelName], since instant: ContinuousClock.Instant, max: Int) -> [Int] {
        var isFailing: [Int: Bool] = [:]
        for name in names where hasFailed(name, since: instant) {
            var count = 0
            for number in waits(on: name) {
                guard count < max, let wait = waits[number], wait.began <= instant else { break }
                let isFound = isFailing[number] ?? wait.channels.allSatisfy { hasFailed($0, since: instant) }
                isFailing[number] = isFound
                if isFound { count += 1 }
            }
        }
        return Array(isFailing.filter(\.value).keys.sorted().prefix(max))
    }

    private func hasFailed(_ name: ChannelName, since instant: ContinuousClock.Instant) -> Bool {
        byName[name]?.failure.map { $0.since <= instant } ?? false
    }

    // MARK: Who gets what

    /// Who gets a message in `channel`: who came first of those that are not about to end; else one that is.
    func receiver(of channel: ChannelName) -> Int? {
        let lists = [waits(on: channel), channel.mailboxAround.map(waits(on:)) ?? []]
        let staying = lists.compactMap { list in list.first { waits[$0]?.end == nil } }
        return staying.min() ?? lists.compactMap(\.first).min()
    }
}

extension ChannelName {
    /// `inbox!` for `inbox!ann`; nil for `inbox!` itself and for a channel of its own.
    fileprivate var mailboxAround: ChannelName? { isInMailbox ? mailbox : nil }
}

extension [Int] {
    /// Takes a number out of an array in ascending order.
    fileprivate mutating func removeNumber(_ number: Int) {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        if low < endIndex, self[low] == number { remove(at: low) }
    }
}

/// A message, or a copy of one, that was stored and that nobody got.
struct MissingCopy {
    let name: String
    let id: History.MessageID
    let channel: String
    /// Of its send.
    let began: Int
    let isOfGroup: Bool

    init(_ name: String, _ id: History.MessageID, channel: String, request: History.Request) {
        self.name = name
        self.id = id
        self.channel = channel
        began = request.began
        isOfGroup = if case .sendGroup = request.action { true } else { false }
    }
}

/// Receives without an answer, and what they can have taken.
struct InFlight {
    private let receives: [History.Request]
    private let takesByChannel: [String: [HistoryChecker.Take]]

    init(_ receives: [History.Request], takesByChannel: [String: [HistoryChecker.Take]]) {
        self.receives = receives
        self.takesByChannel = takesByChannel
    }

    /// Assigns as many as possible, none to a receive that cannot have taken it, and to none more than it could take.
    ///
    /// Bipartite matching by augmenting paths: a copy that finds its receives full has another of theirs move.
    func assign(_ missing: [MissingCopy]) -> (assignedCount: Int, lost: [MissingCopy]) {
        let channels = Set(missing.map(\.channel))
        let naming = Dictionary(
            uniqueKeysWithValues: channels.map { channel in
                (channel, receives.indices.filter { receives[$0].names(channel) })
            })
        let possible = missing.map { candidates(for: $0, among: naming[$0.channel] ?? []) }
        var holders: [[Int]] = Array(repeating: [], count: receives.count)
        func place(_ copy: Int, _ visited: inout Set<Int>) -> Bool {
            for receive in possible[copy] where visited.insert(receive).inserted {
                guard case .receive(_, let max) = receives[receive].action else { continue }
                if holders[receive].count < max {
                    holders[receive].append(copy)
                    return true
                }
                for index in holders[receive].indices where place(holders[receive][index], &visited) {
                    holders[receive][index] = copy
                    return true
                }
            }
            return false
        }
        var lost: [MissingCopy] = []
        for copy in missing.indices {
            var visited: Set<Int> = []
            if !place(copy, &visited) { lost.append(missing[copy]) }
        }
        return (missing.count - lost.count, lost)
    }

    /// The receives that named its channel, were not over when it was sent and, as a channel is taken in order, neither began
    /// after a younger one had been taken nor were over when an older one was asked for.
    private func candidates(for copy: MissingCopy, among indices: [Int]) -> [Int] {
        let takes = takesByChannel[copy.channel] ?? []
        var (youngerOver, olderBegan) = (Int.max, Int.min)
        for take in takes {
            if take.taken.id > copy.id { youngerOver = min(youngerOver, take.over) }
            if take.taken.id < copy.id { olderBegan = max(olderBegan, take.began) }
        }
        // What went back may follow younger ones: then the order says nothing.
        let mayHaveGoneBack = indices.contains { receives[$0].outcome == .abandoned }
        return indices.filter { index in
            let receive = receives[index]
            guard receive.over > copy.began else { return false }
            return mayHaveGoneBack || (receive.began < youngerOver && receive.over > olderBegan)
        }
    }
}

extension History.Request {
    /// Whether it could take from the channel: it named it, or its mailbox.
    func names(_ channel: String) -> Bool {
        guard case .receive(let names, _) = action else { return false }
        if names.contains(channel) { return true }
        return channel.firstIndex(of: "!").map { names.contains(String(channel[...$0])) } ?? false
    }
}

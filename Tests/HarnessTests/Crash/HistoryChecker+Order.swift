extension HistoryChecker {
    /// Messages of a channel are taken in the order of their ids; a receive that began when another was over took later.
    mutating func checkOrder() {
        for request in requests {
            guard case .delivered(let list) = request.outcome else { continue }
            for (older, younger) in zip(list, list.dropFirst()) {
                // Copies of one group send share their id.
                let isCopy = older.id == younger.id && older.channel != younger.channel && older.group != nil
                if !isCopy, older.id >= younger.id {
                    violate(.inverted, "\(younger.name) after \(older.name) in one answer at \(request.over)")
                }
            }
        }
        let abandoned = receivesInFlight.filter { $0.outcome == .abandoned }
        for (channel, takes) in takesByChannel {
            let mayGoBack = abandoned.filter { $0.names(channel) }
            var past = Highest(takes.map { ($0.over, $0.taken.id) })
            for take in takes.sorted(by: { $0.began < $1.began }) {
                guard let (over, id) = past.before(take.began), take.taken.id <= id else { continue }
                // What a client that hung up had taken before goes back to the head.
                if mayGoBack.contains(where: { $0.began < over }) { continue }
                violate(.inverted, "\(take.taken.name) (\(take.taken.id)) on \(channel) at \(take.began), after \(id)")
            }
        }
    }

    /// Each message has an id of its own, above those of all that were stored before it was sent.
    mutating func checkIDs() {
        var names: [History.MessageID: String] = [:]
        var stored: [(began: Int, over: Int, id: History.MessageID, name: String)] = []
        for message in messages.values {
            guard let id = message.id else { continue }
            if let other = names.updateValue(message.name, forKey: id) {
                violate(.idTwice, "\(id) of \(message.name) and of \(other)")
            }
            stored.append((message.request.began, message.request.over, id, message.name))
        }
        var past = Highest(stored.map { ($0.over, $0.id) })
        for message in stored.sorted(by: { $0.began < $1.began }) {
            guard let (_, id) = past.before(message.began), message.id < id else { continue }
            violate(.idNotGreater, "\(message.name) (\(message.id)) sent at \(message.began), after \(id)")
        }
    }
}

/// The highest id of all that was over before an instant; asked with instants that only grow.
private struct Highest {
    private let all: [(over: Int, id: History.MessageID)]
    private var next = 0
    private var highest: (over: Int, id: History.MessageID)?

    init(_ all: [(over: Int, id: History.MessageID)]) {
        self.all = all.sorted { $0.over < $1.over }
    }

    mutating func before(_ instant: Int) -> (over: Int, id: History.MessageID)? {
        while next < all.count, all[next].over < instant {
            if highest.map({ $0.id < all[next].id }) ?? true { highest = all[next] }
            next += 1
        }
        return highest
    }
}

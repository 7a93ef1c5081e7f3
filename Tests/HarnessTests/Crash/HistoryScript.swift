/// Histories as a test writes them: one request after the other, each over before the next begins, unless it says otherwise.
struct HistoryScript {
    var history = History()
    private var tick = 0

    mutating func add(_ action: History.Action, _ outcome: History.Outcome) {
        history.requests.append(History.Request(action: action, began: tick, over: tick + 1, outcome: outcome))
        tick += 2
    }

    mutating func send(_ name: String, to channel: String = "a", id: History.MessageID) {
        add(.send(name, to: channel), .accepted(id))
    }

    /// `got`: names and ids.
    mutating func receive(_ got: [(String, History.MessageID)], from channel: String = "a", group: String? = nil) {
        add(
            .receive([channel], max: 10),
            .delivered(got.map { History.Taken(name: $0.0, channel: channel, group: group, id: $0.1) }))
    }

    mutating func join(_ channel: String, _ outcome: History.Outcome = .done) {
        add(.join(History.Membership(channel: channel, group: "g")), outcome)
    }

    mutating func leave(_ channel: String, _ outcome: History.Outcome = .done) {
        add(.leave(History.Membership(channel: channel, group: "g")), outcome)
    }

    mutating func look(seeing channels: [String]) {
        add(.look(.group("g")), .members(Set(channels.map { History.Membership(channel: $0, group: "g") })))
    }

    mutating func sendGroup(
        _ name: String, id: History.MessageID, members: Int? = nil, excluded: Set<String> = []
    ) {
        add(.sendGroup(name, to: "g", excluded: excluded), .accepted(id, members: members))
    }

    /// Has a request end only now, beside all that came since it began.
    mutating func prolong(_ index: Int) {
        history.requests[index].over = tick
        tick += 1
    }

    /// What the checker finds in what `write` writes.
    static func report(_ write: (inout HistoryScript) -> Void) -> HistoryReport {
        var script = HistoryScript()
        write(&script)
        return HistoryChecker.report(on: script.history)
    }

    static func findings(_ write: (inout HistoryScript) -> Void) -> [Violation.Kind] {
        report(write).violations.map(\.kind)
    }
}

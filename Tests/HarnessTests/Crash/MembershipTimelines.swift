/// What is certain of each membership at which time. Each is changed by one owner, who asks for one thing after the other.
struct MembershipTimelines {
    enum State { case `in`, out, unsure }

    /// By membership: from which tick on it is in which state.
    private var changes: [History.Membership: [(from: Int, state: State)]] = [:]

    init(_ requests: [History.Request]) {
        var orders: [History.Membership: [History.Request]] = [:]
        var looks: [History.Request] = []
        for request in requests {
            switch request.action {
            case .join(let membership), .leave(let membership): orders[membership, default: []].append(request)
            case .look: looks.append(request)
            default: break
            }
        }
        for (membership, orders) in orders {
            let orders = orders.sorted { $0.began < $1.began }
            let ownLooks = looks.filter {
                if case .look(let scope) = $0.action { scope.contains(membership) } else { false }
            }.sorted { $0.began < $1.began }
            changes[membership] = Self.timeline(of: membership, orders, ownLooks)
        }
    }

    private static func timeline(
        of membership: History.Membership, _ orders: [History.Request], _ looks: [History.Request]
    ) -> [(from: Int, state: State)] {
        var timeline: [(from: Int, state: State)] = [(Int.min, .out)]
        for (index, order) in orders.enumerated() where order.outcome != .refused {
            let wanted: State = if case .join = order.action { .in } else { .out }
            // One that changes nothing leaves no doubt, whatever became of it.
            guard timeline.last?.state != wanted else { continue }
            timeline.append((order.began, .unsure))
            if order.outcome == .done {
                timeline.append((order.over, wanted))
                continue
            }
            // Who looks first, when it is over and before the next order, knows what became of it.
            let next = orders.dropFirst(index + 1).first { $0.outcome != .refused }?.began ?? .max
            for look in looks where look.began > order.over && look.over < next {
                guard case .members(let seen) = look.outcome else { continue }
                timeline.append((look.began, seen.contains(membership) ? .in : .out))
                break
            }
        }
        return timeline
    }

    /// What it was throughout; `unsure` where that is not known, or where it changed meanwhile.
    func state(of membership: History.Membership, from start: Int, to end: Int) -> State {
        guard let changes = changes[membership] else { return .out }
        // The last change up to `start`, by halves; the first is before all ticks.
        var (first, after) = (0, changes.count)
        while after - first > 1 {
            let middle = (first + after) / 2
            if changes[middle].from <= start { first = middle } else { after = middle }
        }
        let states = changes[first...].prefix { $0.from <= end }.map(\.state)
        return states.allSatisfy { $0 == states[0] } ? states[0] : .unsure
    }

    /// The channels that were in that state in the group throughout.
    func channels(_ state: State, of group: String, from start: Int, to end: Int) -> [String] {
        changes.keys.filter { $0.group == group && self.state(of: $0, from: start, to: end) == state }.map(\.channel)
    }

    var all: some Collection<History.Membership> { changes.keys }
}

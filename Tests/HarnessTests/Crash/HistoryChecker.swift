/// Judges a history: were all messages delivered at most once, in order, none lost, and all memberships kept?
///
/// How it works. Requests overlap, so what the server did first is not always known; a rule speaks only where it is. A send or
/// a membership counts as certain from its answer on, a request without an answer as one that may have been done or not
/// until the server was gone. A message that is missing must have been taken by a receive without an answer: each missing one
/// is assigned to such a receive that named its channel, at a time that fits the order of the channel, and no receive to more
/// than it could take. What cannot be assigned is lost. At the end of a history everything must have been drained.
struct HistoryChecker {
    /// A message, by what is known of its send.
    struct Message {
        let name: String
        let request: History.Request
        /// From the acknowledgement, or from a delivery.
        var id: History.MessageID?
        var takes: [Take] = []

        var isAcknowledged: Bool { request.outcome.isAccepted }
    }

    /// One message that a receive has got.
    struct Take {
        let taken: History.Taken
        let began: Int
        let over: Int
    }

    private(set) var messages: [String: Message] = [:]
    private(set) var takesByChannel: [String: [Take]] = [:]
    private(set) var receivesInFlight: [History.Request] = []
    let memberships: MembershipTimelines
    let requests: [History.Request]
    var report = HistoryReport()

    static func report(on history: History) -> HistoryReport {
        var checker = HistoryChecker(history)
        checker.checkDeliveries()
        checker.checkOrder()
        checker.checkIDs()
        checker.checkMemberships()
        checker.checkGroupSends()
        checker.checkLosses()
        return checker.report
    }

    private init(_ history: History) {
        requests = history.requests
        memberships = MembershipTimelines(history.requests)
        report.requestsCount = requests.count
        for request in requests {
            if request.isOpen { report.openCount += 1 }
            if request.outcome == .refused { report.refusedCount += 1 }
            switch (request.action, request.outcome) {
            case (.send(let name, _), let outcome), (.sendGroup(let name, _, _), let outcome):
                precondition(messages[name] == nil, "the workload sent \(name) twice")
                messages[name] = Message(name: name, request: request)
                if case .accepted(let id, _) = outcome {
                    messages[name]?.id = id
                    report.acknowledgedCount += 1
                }
            case (.receive, .open), (.receive, .abandoned):
                receivesInFlight.append(request)
            default: break
            }
        }
    }

    mutating func violate(_ kind: Violation.Kind, _ what: String) {
        report.violations.append(Violation(kind, what))
    }

    // MARK: What arrived

    /// Each delivery is of a message that was sent there, and each message arrives once.
    private mutating func checkDeliveries() {
        for request in requests {
            guard case .delivered(let list) = request.outcome else { continue }
            for taken in list {
                report.deliveredCount += 1
                let take = Take(taken: taken, began: request.began, over: request.over)
                takesByChannel[taken.channel, default: []].append(take)
                check(take)
            }
        }
    }

    private mutating func check(_ take: Take) {
        let taken = take.taken
        let what = "\(taken.name) on \(taken.channel) as \(taken.id) at \(take.began)...\(take.over)"
        guard let message = messages[taken.name], message.request.began < take.over else {
            return violate(.neverSent, what)
        }
        if message.request.outcome == .refused { violate(.deliveredThoughRefused, what) }
        if message.takes.contains(where: { $0.taken.channel == taken.channel }) { violate(.deliveredTwice, what) }
        if let id = message.id, id != taken.id { violate(.misdirected, "\(what), sent as \(id)") }
        messages[taken.name]?.id = message.id ?? taken.id
        messages[taken.name]?.takes.append(take)
        switch message.request.action {
        case .send(_, let channel):
            if taken.channel != channel || taken.group != nil { violate(.misdirected, "\(what), sent to \(channel)") }
        case .sendGroup(_, let group, let excluded):
            let membership = History.Membership(channel: taken.channel, group: group)
            if taken.group != group { violate(.misdirected, "\(what), sent to \(group)") }
            if excluded.contains(taken.channel)
                || memberships.state(of: membership, from: message.request.began, to: message.request.over) == .out
            {
                violate(.copyToNonMember, what)
            }
        default: break
        }
    }

    // MARK: What did not

    /// What must have arrived and did not, is with a receive that was in flight, or lost.
    private mutating func checkLosses() {
        var missing: [MissingCopy] = []
        for message in messages.values where message.isAcknowledged || !message.takes.isEmpty {
            for channel in certainChannels(of: message) {
                guard let id = message.id, !message.takes.contains(where: { $0.taken.channel == channel }) else {
                    continue
                }
                missing.append(MissingCopy(message.name, id, channel: channel, request: message.request))
            }
        }
        missing.sort { ($0.id, $0.channel) < ($1.id, $1.channel) }
        let (assigned, lost) = InFlight(receivesInFlight, takesByChannel: takesByChannel).assign(missing)
        report.takenInFlightCount = assigned
        report.takenInFlightMax = receivesInFlight.reduce(0) { sum, receive in
            if case .receive(_, let max) = receive.action { sum + max } else { sum }
        }
        for copy in lost {
            violate(copy.isOfGroup ? .copyLost : .lost, "\(copy.name) on \(copy.channel), sent as \(copy.id)")
        }
    }

    /// Where a message must arrive that was stored.
    private func certainChannels(of message: Message) -> [String] {
        switch message.request.action {
        case .send(_, let channel): [channel]
        case .sendGroup(_, let group, let excluded):
            memberships.channels(.in, of: group, from: message.request.began, to: message.request.over)
                .filter { !excluded.contains($0) }
        default: []
        }
    }
}

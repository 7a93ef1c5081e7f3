/// Judges what the clients of a soak were told: is each message delivered at most once, in order, and none lost?
///
/// What is allowed. A receiver that closed its connection in its wait may have been written to before the server could know:
/// such a hang-up accounts for one message of its channels, missing or late, as what the server gives back follows younger ones
/// that others took meanwhile. (One that only says that it sends no more reads what it was sent; it accounts for a late one.)
/// When Redis was killed, what waited in it is gone, where it keeps nothing. What should have been taken before that, as a
/// younger one of its channel was, must be with a receive that was told so, or in the servers' counters of lost deliveries.
/// Where Redis keeps what it has, and only its answers may be cut off, these counters are exact: they show all that is missing,
/// and by Redis's own sums no more and no less than what it has delivered and no client has, but for what went with who hung up.
struct SoakChecker {
    struct Report: CustomStringConvertible {
        var acknowledgedCount = 0
        var refusedCount = 0
        var openCount = 0
        var takenCount = 0
        var copiesCount = 0
        var hangUpsCount = 0
        var finishedCount = 0
        /// Taken by who hung up.
        var goneWithHangUps = 0
        /// Given back after younger ones had been taken.
        var lateAfterHangUps = 0
        /// Waited in a Redis that was killed.
        var goneWithRedis = 0
        /// In answers of Redis that never came, and how many the servers have counted or told of.
        var goneInAnswers = 0
        var knownInAnswers = 0
        /// Taken out of Redis, by its sums, and never seen by a client; nil where it forgets.
        var goneByTheSums: Int?
        var violations: [String] = []

        var description: String {
            """
            \(acknowledgedCount) sends acknowledged, \(refusedCount) refused, \(openCount) that may have been stored or not; \
            \(takenCount) taken, \(copiesCount) of them copies of group sends; \(hangUpsCount) hang-ups \
            took \(goneWithHangUps) along, and \(finishedCount) more nothing; with them \(lateAfterHangUps) came late; \
            \(goneWithRedis) gone with Redis, \(goneInAnswers) in its last answers (\(knownInAnswers) are told of or counted); \
            \(goneByTheSums.map { "\($0) were taken out and came nowhere; " } ?? "")\
            \(violations.count) violations\(violations.prefix(20).map { "\n  \($0)" }.joined())
            """
        }
    }

    private let history: SoakHistory
    private let memberChannels: [Int]
    private var sends: [SoakHistory.Name: SoakHistory.Send] = [:]
    private var takesByChannel: [Int: [SoakHistory.Take]] = [:]
    /// By channel.
    private var hangUps: [Int: Int] = [:]
    private var finishes: [Int: Int] = [:]
    private var memberships: [Int: [SoakHistory.Membership]] = [:]
    private var report = Report()

    static func report(on history: SoakHistory, memberChannels: [Int]) -> Report {
        var checker = SoakChecker(history, memberChannels: memberChannels)
        checker.checkTakes()
        checker.checkOrder()
        checker.checkLosses()
        checker.checkSums()
        return checker.report
    }

    private init(_ history: SoakHistory, memberChannels: [Int]) {
        self.history = history
        self.memberChannels = memberChannels
        report.violations = history.surprises
        report.finishedCount = history.finishes.count
        for send in history.sends {
            sends[send.name] = send
            switch send.outcome {
            case .accepted: report.acknowledgedCount += 1
            case .refused: report.refusedCount += 1
            case .open: report.openCount += 1
            }
        }
        for take in history.takes { takesByChannel[take.channel, default: []].append(take) }
        for receive in history.openReceives where receive.isHangUp {
            report.hangUpsCount += 1
            for channel in receive.channels { hangUps[channel, default: 0] += 1 }
        }
        for channel in history.finishes.joined() { finishes[channel, default: 0] += 1 }
        memberships = Dictionary(grouping: history.memberships, by: \.channel)
            .mapValues { $0.sorted { $0.joinBegan < $1.joinBegan } }
    }

    // MARK: What arrived

    private mutating func checkTakes() {
        report.takenCount = history.takes.count
        for (channel, takes) in takesByChannel {
            var seen: Set<SoakHistory.Name> = []
            for take in takes {
                let what = "\(take.name) on \(channel)"
                if !seen.insert(take.name).inserted { report.violations.append("delivered twice: \(what)") }
                guard let send = sends[take.name], send.began < take.over else {
                    report.violations.append("never sent: \(what)")
                    continue
                }
                if case .refused = send.outcome { report.violations.append("delivered though refused: \(what)") }
                switch send.target {
                case .channel(let target):
                    if target != channel { report.violations.append("sent to \(target): \(what)") }
                case .group:
                    report.copiesCount += 1
                    if !isMember(channel, of: send, certainly: false) {
                        report.violations.append("copy to who is no member: \(what)")
                    }
                }
            }
        }
    }

    /// O(log n) in the channel's memberships: they follow one another, as only one client asks for them.
    private func isMember(_ channel: Int, of send: SoakHistory.Send, certainly: Bool) -> Bool {
        let own = memberships[channel] ?? []
        var place = own.count(before: send.over) { $0.joinBegan <= $1 }
        // Few: those of the time of the send, and what is before them.
        while place > 0 {
            place -= 1
            let membership = own[place]
            let mayBe = membership.left.map { send.began <= $0 } ?? true
            guard mayBe else { return false }
            if !certainly || isCertain(membership, throughout: send) { return true }
        }
        return false
    }

    private func isCertain(_ membership: SoakHistory.Membership, throughout send: SoakHistory.Send) -> Bool {
        guard let joined = membership.joined, joined < send.began else { return false }
        // When Redis goes, so do its groups.
        let isSwept = history.outages.contains { membership.joinBegan < $0.over && $0.began < send.over }
        return !isSwept && (membership.leaveBegan.map { send.over < $0 } ?? true)
    }

    // MARK: Order

    /// What one sender has sent to a channel one after the other is taken in that order: by a receive, and by two of which one was
    /// over when the other began.
    private mutating func checkOrder() {
        for (channel, takes) in takesByChannel {
            let allowed = (hangUps[channel] ?? 0) + (finishes[channel] ?? 0)
            var inversions = 0
            for (sender, own) in Dictionary(grouping: takes, by: \.name.sender) {
                // Stable: what one receive took stays in its order.
                let byBegin = own.enumerated().sorted { ($0.element.began, $0.offset) < ($1.element.began, $1.offset) }
                let byEnd = own.sorted { $0.over < $1.over }
                var next = 0
                var highest: Int32 = 0
                var last: SoakHistory.Take?
                for (_, take) in byBegin {
                    while next < byEnd.count, byEnd[next].over < take.began {
                        highest = max(highest, byEnd[next].name.number)
                        next += 1
                    }
                    let isOfSameReceive = last.map { $0.began == take.began && $0.over == take.over } ?? false
                    let isInverted = isOfSameReceive && last.map { $0.name.number > take.name.number } ?? false
                    if take.name.number < highest || isInverted {
                        inversions += 1
                        if allowed == 0 {
                            report.violations.append("\(take.name) on \(channel) after \(sender):\(highest)")
                        }
                    }
                    last = take
                }
            }
            guard allowed > 0 else { continue }
            report.lateAfterHangUps += inversions
            if inversions > allowed {
                report.violations.append("\(inversions) late on \(channel), with \(allowed) hang-ups")
            }
        }
    }

    // MARK: What did not arrive

    private mutating func checkLosses() {
        // What went with a Redis that keeps nothing, its counts cannot tell.
        let told = history.sums == nil ? history.openReceives.count { !$0.isHangUp } : 0
        report.knownInAnswers = told + history.lostCount
        let expected = expectedByChannel()
        for (channel, names) in expected {
            let taken = Set((takesByChannel[channel] ?? []).map(\.name))
            let overtakers = Overtakers(
                (takesByChannel[channel] ?? []).compactMap { take in
                    sends[take.name].map { ($0.began, take.over) }
                })
            var lost: [SoakHistory.Name] = []
            for send in names where !taken.contains(send.name) {
                guard let outage = history.outages.first(where: { send.began < $0.over }) else {
                    if history.losesAnswers, history.outages.isEmpty, hangUps[channel] == nil {
                        report.goneInAnswers += 1
                    } else {
                        lost.append(send.name)
                    }
                    continue
                }
                if overtakers.wasOvertaken(sentBefore: send.over, takenBefore: outage.began) {
                    if hangUps[channel] == nil { report.goneInAnswers += 1 } else { lost.append(send.name) }
                } else {
                    report.goneWithRedis += 1
                }
            }
            if let allowed = hangUps[channel], lost.count <= allowed + report.knownInAnswers {
                report.goneWithHangUps += lost.count
            } else {
                report.violations += lost.map { "lost: \($0) on \(channel)" }
            }
        }
        if report.goneInAnswers > report.knownInAnswers {
            report.violations.append(
                "\(report.goneInAnswers) gone in answers of Redis, and \(report.knownInAnswers) known of")
        }
    }

    /// All that was sent was delivered, and what of that is not with a client is what the servers have counted.
    private mutating func checkSums() {
        guard let sums = history.sums else { return }
        if sums.sent != sums.delivered || sums.otherwise != 0 {
            report.violations.append("the sums of Redis: \(sums)")
        }
        let gone = sums.delivered - history.takes.count
        report.goneByTheSums = gone
        if gone < history.lostCount || gone > history.lostCount + report.hangUpsCount {
            report.violations.append(
                "\(gone) taken out and gone, with \(report.hangUpsCount) hang-ups and \(history.lostCount) counted")
        }
    }

    /// What must have arrived.
    private func expectedByChannel() -> [Int: [SoakHistory.Send]] {
        var expected: [Int: [SoakHistory.Send]] = [:]
        for send in history.sends {
            guard case .accepted = send.outcome else { continue }
            switch send.target {
            case .channel(let channel): expected[channel, default: []].append(send)
            case .group:
                for channel in memberChannels where isMember(channel, of: send, certainly: true) {
                    expected[channel, default: []].append(send)
                }
            }
        }
        return expected
    }

    /// Finds whether one that was sent later was taken early.
    private struct Overtakers {
        private let sendBegins: [ContinuousClock.Instant]
        /// The earliest end of a take, of those from here on.
        private var earliestTakes: [ContinuousClock.Instant]

        init(_ takes: [(sendBegan: ContinuousClock.Instant, takeOver: ContinuousClock.Instant)]) {
            let sorted = takes.sorted { $0.sendBegan < $1.sendBegan }
            sendBegins = sorted.map(\.sendBegan)
            earliestTakes = sorted.map(\.takeOver)
            for index in earliestTakes.indices.dropLast().reversed() {
                earliestTakes[index] = min(earliestTakes[index], earliestTakes[index + 1])
            }
        }

        func wasOvertaken(
            sentBefore over: ContinuousClock.Instant, takenBefore outage: ContinuousClock.Instant
        ) -> Bool {
            let place = sendBegins.count(before: over) { $0 <= $1 }
            return place < earliestTakes.count && earliestTakes[place] < outage
        }
    }
}

extension Array {
    /// How many elements at its beginning come before `bound`, as `isBefore` says; after these it says so of none. O(log n).
    fileprivate func count<Bound>(before bound: Bound, _ isBefore: (Element, Bound) -> Bool) -> Int {
        var range = indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = isBefore(self[middle], bound) ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

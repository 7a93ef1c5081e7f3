import Testing

/// Mistakes that a store could make, put into a history by hand: each is found, and what is allowed is not taken for one.
@Suite("The checker of soaks")
struct SoakCheckerTests {
    /// A member, and a channel of which others hung up.
    private static let (steady, member, restless) = (0, 1, 2)
    private let start = ContinuousClock.now

    private func at(_ second: Int) -> ContinuousClock.Instant { start + .seconds(second) }

    /// Sent within a second.
    private func send(
        _ number: Int, to target: SoakHistory.Target = .channel(steady), at second: Int,
        _ outcome: SoakHistory.Outcome = .accepted
    ) -> SoakHistory.Send {
        .init(name: .init(1, number), target: target, began: at(second), over: at(second + 1), outcome: outcome)
    }

    private func take(_ number: Int, on channel: Int = steady, from second: Int, to end: Int) -> SoakHistory.Take {
        .init(name: .init(1, number), channel: channel, began: at(second), over: at(end))
    }

    /// Channel 1 was certainly a member from second 11 to 89.
    private func report(
        _ sends: [SoakHistory.Send], _ takes: [SoakHistory.Take], _ change: (inout SoakHistory) -> Void = { _ in }
    ) -> SoakChecker.Report {
        var history = SoakHistory()
        history.sends = sends
        history.takes = takes
        history.memberships = [
            .init(channel: Self.member, joinBegan: at(10), joined: at(11), leaveBegan: at(89), left: at(90))
        ]
        history.openReceives = [.init(channels: [Self.restless], began: at(0), isHangUp: true)]
        change(&history)
        return SoakChecker.report(on: history, memberChannels: [Self.member])
    }

    @Test(
        "A message that arrives once and in order is fine, and one that waits for who hung up may be gone or late, once"
    )
    func allowed() {
        let fine = report(
            [send(1, at: 0), send(2, at: 2), send(3, to: .group, at: 20), send(4, to: .group, at: 95)],
            [take(1, from: 0, to: 3), take(2, from: 4, to: 5), take(3, on: Self.member, from: 22, to: 23)])
        #expect(fine.violations == [])
        let gone = report([send(1, to: .channel(Self.restless), at: 0)], [])
        #expect(gone.violations == [] && gone.goneWithHangUps == 1)
        let two = [send(1, to: .channel(Self.restless), at: 0), send(2, to: .channel(Self.restless), at: 2)]
        #expect(report(two, []).violations.count == 2)
        let late = report(
            two, [take(2, on: Self.restless, from: 3, to: 4), take(1, on: Self.restless, from: 5, to: 6)])
        #expect(late.violations == [] && late.lateAfterHangUps == 1)
        let takes = [take(2, from: 3, to: 4), take(1, from: 5, to: 6)]
        let finished = report([send(1, at: 0), send(2, at: 2)], takes) { $0.finishes = [[Self.steady]] }
        #expect(finished.violations == [] && finished.lateAfterHangUps == 1)
        let missing = report([send(1, at: 0)], []) { $0.finishes = [[Self.steady]] }
        #expect(missing.violations == ["lost: 1:1 on 0"])
    }

    @Test("A message lost, twice, too early, or where it does not belong is found")
    func mistakes() {
        let first = send(1, at: 0)
        #expect(report([first], []).violations == ["lost: 1:1 on 0"])
        let taken = take(1, from: 2, to: 3)
        #expect(report([first], [taken, take(1, from: 4, to: 5)]).violations == ["delivered twice: 1:1 on 0"])
        #expect(report([], [taken]).violations == ["never sent: 1:1 on 0"])
        #expect(report([send(1, at: 3)], [taken]).violations.first == "never sent: 1:1 on 0")
        #expect(report([send(1, at: 0, .refused)], [taken]).violations == ["delivered though refused: 1:1 on 0"])
        #expect(report([send(1, at: 0, .open)], [taken]).violations == [])
        let stray = take(1, on: Self.member, from: 2, to: 3)
        #expect(report([first], [stray]).violations.contains("sent to 0: 1:1 on 1"))
    }

    @Test("Two messages in the wrong order are found, where it is certain that they are")
    func order() {
        let sends = [send(1, at: 0), send(2, at: 2)]
        #expect(report(sends, [take(2, from: 3, to: 4), take(1, from: 5, to: 6)]).violations == ["1:1 on 0 after 1:2"])
        #expect(report(sends, [take(2, from: 3, to: 6), take(1, from: 5, to: 7)]).violations == [])
        let inOneReceive = [take(2, from: 3, to: 6), take(1, from: 3, to: 6)]
        #expect(report(sends, inOneReceive).violations.count == 1)
        #expect(report(sends, inOneReceive.reversed()).violations == [])
    }

    @Test("A copy that a member does not get, or that somebody else gets, is found")
    func groups() {
        #expect(report([send(1, to: .group, at: 20)], []).violations == ["lost: 1:1 on 1"])
        // In the middle of a join or a leave either is right.
        for second in [10, 88, 89] {
            #expect(report([send(1, to: .group, at: second)], []).violations == [])
            let copy = take(1, on: Self.member, from: second, to: second + 2)
            #expect(report([send(1, to: .group, at: second)], [copy]).violations == [])
        }
        let late = report([send(1, to: .group, at: 95)], [take(1, on: Self.member, from: 96, to: 97)])
        #expect(late.violations == ["copy to who is no member: 1:1 on 1"])
    }

    @Test("What waited in a Redis that was killed is gone; what should have been taken before must be known of")
    func outages() {
        func withOutage(
            _ sends: [SoakHistory.Send], _ takes: [SoakHistory.Take], lost: Int = 0
        ) -> SoakChecker.Report {
            report(sends, takes) { history in
                history.outages = [.init(began: at(50), over: at(51))]
                history.lostCount = lost
            }
        }
        #expect(withOutage([send(1, at: 40)], []).violations == [])
        #expect(withOutage([send(1, at: 40)], []).goneWithRedis == 1)
        #expect(withOutage([send(1, at: 52)], []).violations == ["lost: 1:1 on 0"])
        // The younger one was there before it went.
        let sends = [send(1, at: 40), send(2, at: 42)]
        #expect(withOutage(sends, [take(2, from: 43, to: 44)]).violations.count == 1)
        #expect(withOutage(sends, [take(2, from: 43, to: 44)], lost: 1).violations == [])
        #expect(withOutage(sends, [take(2, from: 43, to: 60)]).violations == [])
        // A group is gone with it.
        #expect(withOutage([send(1, to: .group, at: 60)], []).violations == [])
    }

    @Test("Where only answers may be cut off, all that is missing must be known of")
    func cutAnswers() {
        func withCuts(isKept: Bool = false, told: Int = 0, counted: Int = 0) -> [String] {
            let sends = [send(1, at: 0), send(2, at: 2), send(3, to: .group, at: 20)]
            return report(sends, [take(1, from: 0, to: 3)]) { history in
                history.losesAnswers = true
                history.lostCount = counted
                history.sums = isKept ? .init(sent: 3, delivered: 3, otherwise: 0) : nil
                if isKept { history.openReceives = [] }
                history.openReceives += (0..<told).map { _ in
                    .init(channels: [Self.steady], began: at(5), isHangUp: false)
                }
            }.violations
        }
        #expect(withCuts() == ["2 gone in answers of Redis, and 0 known of"])
        #expect(withCuts(told: 1).count == 1)
        #expect(withCuts(told: 1, counted: 1) == [])
        // Redis's own counts say what nobody got, whoever was told that he may have.
        #expect(withCuts(isKept: true, told: 2, counted: 1).count == 2)
        #expect(withCuts(isKept: true, told: 2, counted: 3) == ["2 taken out and gone, with 0 hang-ups and 3 counted"])
        #expect(withCuts(isKept: true, told: 2, counted: 2) == [])
    }

    @Test("The sums of Redis are those of what was delivered, and what clients took is all of it but what is counted")
    func sums() {
        func withSums(sent: Int, delivered: Int, otherwise: Int = 0, known: Int = 0) -> SoakChecker.Report {
            let taken = [take(1, from: 0, to: 3), take(2, from: 4, to: 5)]
            return report([send(1, at: 0), send(2, at: 2)], taken) { history in
                history.sums = .init(sent: sent, delivered: delivered, otherwise: otherwise)
                history.lostCount = known
            }
        }
        #expect(withSums(sent: 2, delivered: 2).violations == [])
        // One with who hung up.
        #expect(withSums(sent: 3, delivered: 3).violations == [] && withSums(sent: 3, delivered: 3).goneByTheSums == 1)
        #expect(withSums(sent: 4, delivered: 4).violations == ["2 taken out and gone, with 1 hang-ups and 0 counted"])
        #expect(withSums(sent: 4, delivered: 4, known: 1).violations == [])
        #expect(withSums(sent: 4, delivered: 4, known: 2).violations == [])
        #expect(withSums(sent: 4, delivered: 4, known: 3).violations.count == 1)
        #expect(withSums(sent: 3, delivered: 2).violations.count == 1)
        #expect(withSums(sent: 2, delivered: 2, otherwise: 1).violations.count == 1)
        #expect(withSums(sent: 1, delivered: 1).violations.count == 1)
    }
}

import Channels
import ChannelsMemory
import ChannelsTesting
import Testing

/// The kit must be able to fail: each backend here does one thing wrong.
@Suite("A broken backend is found out")
struct BrokenBackendTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let what: String
        /// The rules that it breaks.
        let rules: [String]
        let make: @Sendable (any ChannelBackend) -> any ChannelBackend

        init(
            _ what: String, breaks rules: String...,
            make: @escaping @Sendable (any ChannelBackend) -> any ChannelBackend
        ) {
            self.what = what
            self.rules = rules
            self.make = make
        }

        var testDescription: String { what }
    }

    static let cases = [
        Case("reorders", breaks: "ordering.channel", "delivery.once") { Reordering(base: $0) },
        Case("delivers twice", breaks: "delivery.once", "delivery.once-among-many") { DeliveringTwice(base: $0) },
        Case("loses on cancel", breaks: "cancellation.after-send") { LosingOnCancel(base: $0) },
        Case("serves the cancelled", breaks: "cancellation.wait") { ServingTheGone(base: $0) },
        Case("wakes several", breaks: "waiting.served", "waiting.one-each") { WakingSeveral(base: $0) },
        Case("ends waits early", breaks: "waiting.time-limit") { EndingWaitsEarly(base: $0) },
        Case("expires early", breaks: "expiry.not-before") { ExpiringEarly(base: $0) },
        Case("never expires", breaks: "expiry.not-after", "expiry.own", "expiry.zero") { NeverExpiring(base: $0) },
        Case("blocks when full", breaks: "delivery.never-blocks") { BlockingWhenFull(base: $0) },
        Case("retracts on discard", breaks: "group-sends.stays-after-discard") { RetractingOnDiscard(base: $0) },
        Case("shortens by renewal", breaks: "groups.renewal-never-shortens") { ShorteningByRenewal(base: $0) },
        Case("never lapses", breaks: "groups.not-after", "group-sends.not-replayed") { NeverLapsing(base: $0) },
        Case("replays to joiners", breaks: "group-sends.late-joiner") { ReplayingToJoiners(base: $0) },
        Case("ignores exclusion", breaks: "group-sends.exclusion") { IgnoringExclusion(base: $0) },
        Case("sends one by one", breaks: "group-sends.each", "settling.receive") { SendingOneByOne(base: $0) },
        Case("does not order members", breaks: "groups.pages") { UnorderedMembers(base: $0) },
        Case("truncates", breaks: "sizes.5-megabytes", "sizes.16-mebibytes") { Truncating(base: $0) },
        Case("folds case", breaks: "names.distinct") { FoldingCase(base: $0) },
        Case("takes by name", breaks: "ordering.oldest-first", "ordering.starvation") { FirstNameFirst(base: $0) },
        Case("hides the mailbox's channel", breaks: "mailboxes.whole") { HidingMailbox(base: $0) },
        Case("settles by looking", breaks: "settling.looking") { SettlingByLooking(base: $0) },
        Case("gives back to the tail", breaks: "giving-back.head") { GivingBackToTail(base: $0) },
        Case("fails", breaks: "groups.add") { Failing(base: $0) },
    ]

    @Test("The violation names the rule", arguments: cases)
    func violation(_ broken: Case) async throws {
        for id in broken.rules {
            try await expectViolation(of: id) { settings, clock in
                broken.make(MemoryBackend(settings: settings, clock: clock, epoch: 1))
            }
        }
    }

    @Test("Capacity forgotten", arguments: ["capacity.full", "capacity.room-again", "mailboxes.capacity"])
    func forgettingCapacity(id: String) async throws {
        try await expectViolation(of: id) { settings, clock in
            var roomy = settings
            roomy.capacity *= 100
            roomy.channelCapacities = settings.channelCapacities.map {
                LayerSettings.ChannelCapacity(pattern: $0.pattern, capacity: $0.capacity * 100)
            }
            return ForgettingCapacity(base: MemoryBackend(settings: roomy, clock: clock, epoch: 1))
        }
    }

    @Test("An operation that never returns breaks the rule, and does not hang the test run")
    func neverAnswering() async throws {
        try await expectViolation(of: "delivery.as-sent", timeLimit: .milliseconds(200)) { settings, clock in
            NeverAnswering(base: MemoryBackend(settings: settings, clock: clock, epoch: 1))
        }
    }

    @Test("A group send whose cost grows with the members lacks what a backend should do")
    func costOfGroupSend() async throws {
        let rule = try #require(ConformanceRule.all.first { $0.id == "group-sends.cost" })
        let subject = BackendUnderTest(time: .movedByHand, tellAbsent: { _, _ in }) { settings, clock in
            SendingOneByOne(base: MemoryBackend(settings: settings, clock: clock, epoch: 1))
        }
        guard case .absent = try await rule.check(subject) else {
            Issue.record("a send to each member took no longer than one to a single member")
            return
        }
    }

    private func expectViolation(
        of id: String, timeLimit: Duration = .seconds(60), makeBackend: @escaping BackendUnderTest.Factory
    ) async throws {
        let rule = try #require(ConformanceRule.all.first { $0.id == id })
        let subject = BackendUnderTest(
            time: .movedByHand, timeLimit: timeLimit, answerLimit: .seconds(1), makeBackend: makeBackend)
        let violation = await #expect(throws: ConformanceViolation.self) { try await rule.check(subject) }
        guard let violation else { return }
        #expect(violation.rule.id == id)
        #expect(violation.description.contains(rule.sentence) && violation.description.contains(id))
    }
}

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
        let make: @Sendable (any WaitingChannelBackend) -> any WaitingChannelBackend

        init(
            _ what: String, breaks rules: String...,
            make: @escaping @Sendable (any WaitingChannelBackend) -> any WaitingChannelBackend
        ) {
            self.what = what
            self.rules = rules
            self.make = make
        }

        var testDescription: String { what }
    }

    static let cases = [
        Case("reorders", breaks: "ordering.channel", "ordering.concurrency", "delivery.once") { Reordering(base: $0) },
        Case("delivers twice", breaks: "delivery.once", "delivery.once-among-many", "mailboxes.both-names") {
            DeliveringTwice(base: $0)
        },
        Case("loses on cancel", breaks: "cancellation.after-send", "cancellation.any-instant", "cancellation.storm") {
            LosingOnCancel(base: $0)
        },
        Case("serves the cancelled", breaks: "cancellation.wait") { ServingTheGone(base: $0) },
        Case("wakes several", breaks: "waiting.served", "waiting.one-each") { WakingSeveral(base: $0) },
        Case("ends waits early", breaks: "waiting.time-limit") { EndingWaitsEarly(base: $0) },
        Case("expires early", breaks: "expiry.not-before") { ExpiringEarly(base: $0) },
        Case("never expires", breaks: "expiry.not-after", "expiry.own", "expiry.zero", "expiry.frees-room") {
            NeverExpiring(base: $0)
        },
        Case("blocks when full", breaks: "delivery.never-blocks") { BlockingWhenFull(base: $0) },
        Case("retracts on discard", breaks: "group-sends.stays-after-discard") { RetractingOnDiscard(base: $0) },
        Case("shortens by renewal", breaks: "groups.renewal-never-shortens") { ShorteningByRenewal(base: $0) },
        Case("never lapses", breaks: "groups.not-after", "group-sends.not-replayed") { NeverLapsing(base: $0) },
        Case("replays to joiners", breaks: "group-sends.late-joiner", "group-sends.nobody") {
            ReplayingToJoiners(base: $0)
        },
        Case("ignores exclusion", breaks: "group-sends.exclusion") { IgnoringExclusion(base: $0) },
        Case("sends one by one", breaks: "group-sends.each", "settling.receive") { SendingOneByOne(base: $0) },
        Case("does not order members", breaks: "groups.pages") { UnorderedMembers(base: $0) },
        Case("truncates", breaks: "sizes.5-megabytes", "sizes.16-mebibytes") { Truncating(base: $0) },
        Case("folds case", breaks: "names.distinct") { FoldingCase(base: $0) },
        Case("takes by name", breaks: "ordering.oldest-first", "ordering.starvation") { FirstNameFirst(base: $0) },
        Case("hides the mailbox's channel", breaks: "mailboxes.whole") { HidingMailbox(base: $0) },
        Case("settles by looking", breaks: "settling.looking") { SettlingByLooking(base: $0) },
        Case("gives back to the tail", breaks: "giving-back.head", "giving-back.expired") {
            GivingBackToTail(base: $0)
        },
        Case("fails", breaks: "groups.add") { Failing(base: $0) },
        Case("forgets the content type", breaks: "delivery.as-sent") { ForgettingType(base: $0) },
        Case("gives nothing back", breaks: "giving-back.order", "giving-back.full", "giving-back.waiting") {
            GivingNothingBack(base: $0)
        },
        Case(
            "sees nothing", breaks: "inspection.pending", "inspection.oldest-age", "inspection.waiting",
            "inspection.groups", "inspection.counts", "inspection.totals", "inspection.sweep"
        ) { SeeingNothing(base: $0) },
        Case(
            "drops nothing", breaks: "inspection.purge", "inspection.flush", "mailboxes.purge", "giving-back.purge",
            "giving-back.flush", "groups.remove", "group-sends.stays-after-removal"
        ) { DroppingNothing(base: $0) },
        Case("uses ids again", breaks: "delivery.ids") { ReusingIDs(base: $0) },
        Case("takes all", breaks: "delivery.messages-max", "delivery.content-bytes-max") { TakingAll(base: $0) },
        Case("has its own defaults", breaks: "expiry.default", "groups.default-expiry") { IgnoringDefaults(base: $0) },
        Case("shortens names", breaks: "names.long") { ShorteningNames(base: $0) },
        Case("trims names", breaks: "names.printable", "names.distinct", "names.groups", "capacity.own") {
            TrimmingNames(base: $0)
        },
        Case("hides the group", breaks: "group-sends.each", "giving-back.group-copy") { HidingGroup(base: $0) },
        Case(
            "sends copies twice", breaks: "group-sends.each", "group-sends.concurrency", "settling.oldest-stay",
            "mailboxes.members"
        ) { SendingCopiesTwice(base: $0) },
        Case("counts the excluded", breaks: "group-sends.members") { CountingExcluded(base: $0) },
        Case("keeps members", breaks: "groups.discard", "groups.at-most", "group-sends.stays-after-discard") {
            KeepingMembers(base: $0)
        },
        Case("never waits", breaks: "mailboxes.waiting", "waiting.several-channels", "waiting.group-send") {
            NeverWaiting(base: $0)
        },
        Case("refuses full members", breaks: "capacity.group-copy") { RefusingFullMembers(base: $0) },
        Case("serves who came last", breaks: "waiting.first-come") { LastComeFirstServed(base: $0) },
        Case("miscounts", breaks: "capacity.receipt") { LeavingItselfOut(base: $0) },
        Case("never expires copies", breaks: "expiry.group-copy") { NeverExpiringCopies(base: $0) },
        Case("delays copies", breaks: "group-sends.order", "settling.send") { DelayingCopies(base: $0) },
        Case(
            "asks who is a member", breaks: "group-sends.stays-after-discard", "group-sends.stays-after-lapse",
            "group-sends.stays-after-removal"
        ) { AskingWhoIsMember(base: $0) },
        Case("lapses early", breaks: "groups.not-before") { LapsingEarly(base: $0) },
        Case("ignores renewals", breaks: "groups.renewal-lengthens") { IgnoringRenewal(base: $0) },
        Case("is not ready", breaks: "inspection.readiness") { NotReady(base: $0) },
        Case("takes a whole mailbox", breaks: "mailboxes.one-channel") { TakingWholeMailbox(base: $0) },
        Case("keeps texts", breaks: "sizes.any-bytes") { KeepingTexts(base: $0) },
        Case("waits elsewhere", breaks: "waiting.at-once", "waiting.deadline-passed", "waiting.many") {
            WaitingElsewhere(base: $0)
        },
        Case("misnames errors", breaks: "capacity.full", "capacity.memory") { MisnamingErrors(base: $0) },
        Case("never answers", breaks: "delivery.nothing-there") { NeverAnswering(base: $0) },
        Case("drops when full", breaks: "capacity.full", "capacity.room-again") { DroppingWhenFull(base: $0) },
        Case("drops what somebody waits for", breaks: "mailboxes.straight-to-receiver") {
            DroppingWhenFull(base: WaitingElsewhere(base: $0))
        },
        Case("waits on one channel", breaks: "waiting.several-channels", "waiting.all-copies") {
            WaitingOnOne(base: $0)
        },
        Case("undoes a batch", breaks: "batches.refusal") { AllOrNothing(base: $0) },
        Case("forgets the last of a batch", breaks: "batches.order", "batches.refusal", "batches.waiting") {
            ForgettingTheLast(base: $0)
        },
        Case("does a batch backwards", breaks: "batches.order") { ReversingBatches(base: $0) },
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

    @Test("Patterns of capacities ignored")
    func ignoringPatterns() async throws {
        try await expectViolation(of: "capacity.pattern") { settings, clock in
            var plain = settings
            plain.channelCapacities = []
            return MemoryBackend(settings: plain, clock: clock, epoch: 1)
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
            time: .movedByHand, timeLimit: timeLimit, answerLimit: .seconds(2), tellAbsent: { _, _ in },
            makeBackend: makeBackend)
        let violation = await #expect(throws: ConformanceViolation.self) { try await rule.check(subject) }
        guard let violation else { return }
        #expect(violation.rule.id == id)
        #expect(violation.description.contains(rule.sentence) && violation.description.contains(id))
    }
}

import Channels
import ChannelsTesting
import Testing

@Suite("A backend that does the MUSTs alone breaks no rule")
struct ModestConformanceTests {
    @Test(
        "As it is served, it lacks what it must lack, and no more", arguments: ConformanceRule.all,
        [BackendUnderTest.Time.movedByHand, .real])
    func modest(_ rule: ConformanceRule, time: BackendUnderTest.Time) async throws {
        let subject = BackendUnderTest(time: time, tellAbsent: { _, _ in }) { settings, clock in
            ModestBackend(settings: settings, clock: clock)
        }
        switch try await rule.check(subject) {
        case .holds: #expect(!Self.absent.contains(rule.id))
        case .absent(let reason): #expect(!reason.isEmpty && Self.absent.contains(rule.id), "absent: \(reason)")
        }
    }

    @Test(
        "One that does the sends of a batch together is asked to, through all that stands around it",
        arguments: ["batches.order", "batches.refusal", "batches.waiting"], [false, true])
    func batches(id: String, neverBlocks: Bool) async throws {
        let rule = try #require(ConformanceRule.all.first { $0.id == id })
        let subject = BackendUnderTest(time: .movedByHand, tellAbsent: { _, _ in }) { settings, clock in
            SendingEach(
                base: ModestBackend(settings: settings, clock: clock), traits: BackendTraits(neverBlocks: neverBlocks))
        }
        #expect(try await rule.check(subject) == .holds)
    }

    @Test("A rule that is absent is told of, with the reason")
    func absenceIsTold() async throws {
        let rule = try #require(ConformanceRule.all.first { $0.id == "inspection.flush" })
        try await confirmation { told in
            let subject = BackendUnderTest(
                time: .movedByHand,
                tellAbsent: { absent, reason in
                    #expect(absent.id == rule.id)
                    #expect(reason == "This layer's backend cannot flush.")
                    told()
                }
            ) { settings, clock in
                ModestBackend(settings: settings, clock: clock)
            }
            try await rule.check(subject)
        }
    }

    /// What it lacks even with all that stands around it.
    private static let absent: Set<String> = [
        // It tells nothing but ids, and sets few limits.
        "capacity.receipt", "capacity.memory", "groups.at-most", "inspection.pending", "inspection.oldest-age",
        "inspection.groups", "inspection.counts", "inspection.totals", "inspection.sweep",
        // It cannot drop what waits, or take back what was taken.
        "inspection.purge", "inspection.flush", "mailboxes.purge", "giving-back.head", "giving-back.order",
        "giving-back.full", "giving-back.expired", "giving-back.purge", "giving-back.flush", "giving-back.waiting",
        "giving-back.group-copy",
        // What is sent goes through the store, and to the members of a group one by one.
        "mailboxes.straight-to-receiver", "group-sends.cost", "settling.receive", "settling.looking",
        "batches.order", "batches.refusal", "batches.waiting",
    ]
}

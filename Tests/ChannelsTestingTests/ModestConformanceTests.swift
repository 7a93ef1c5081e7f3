import Channels
import ChannelsTesting
import Testing

@Suite("A backend that does the MUSTs alone breaks no rule")
struct ModestConformanceTests {
    @Test("What it lacks is said to be absent", arguments: ConformanceRule.all)
    func modest(_ rule: ConformanceRule) async throws {
        let subject = BackendUnderTest(time: .real, tellAbsent: { _, _ in }) { settings, clock in
            ModestBackend(settings: settings, clock: clock)
        }
        let outcome = try await rule.check(subject)
        if case .absent(let reason) = outcome {
            #expect(!reason.isEmpty)
            #expect(Self.mayBeAbsent(rule), "absent: \(reason)")
        }
    }

    @Test("A rule that is absent is told of, with the reason")
    func absenceIsTold() async throws {
        let rule = try #require(ConformanceRule.all.first { $0.id == "group-sends.each" })
        try await confirmation { told in
            let subject = BackendUnderTest(
                time: .movedByHand,
                tellAbsent: { absent, reason in
                    #expect(absent.id == rule.id)
                    #expect(reason == "This layer's backend cannot send to groups.")
                    told()
                }
            ) { settings, clock in
                ModestBackend(settings: settings, clock: clock)
            }
            try await rule.check(subject)
        }
    }

    /// Whether nothing that every backend must do stands behind the rule.
    private static func mayBeAbsent(_ rule: ConformanceRule) -> Bool {
        let optional: Set<ConformanceRule.Source> = [
            .specification(13), .semantics(.handOver), .semantics(.inspection),
        ]
        let isDemanded = rule.sources.contains { source in
            if case .specification(let point) = source { point <= 11 } else { false }
        }
        return !isDemanded || !optional.isDisjoint(with: rule.sources)
    }
}

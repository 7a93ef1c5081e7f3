import ChannelsTesting
import Testing

@Suite("The list of rules")
struct RuleListTests {
    @Test("Each point of the specification stands behind a rule", arguments: 1...15)
    func points(_ point: Int) {
        #expect(ConformanceRule.all.contains { $0.sources.contains(.specification(point)) })
    }

    @Test("Each part of the semantics stands behind a rule", arguments: ConformanceRule.Semantics.allCases)
    func semantics(_ part: ConformanceRule.Semantics) {
        #expect(ConformanceRule.all.contains { $0.sources.contains(.semantics(part)) })
    }

    @Test("Each rule has an id, a sentence and a source, and no two share one of the first two")
    func distinct() {
        let rules = ConformanceRule.all
        #expect(Set(rules.map(\.id)).count == rules.count)
        #expect(Set(rules.map(\.sentence)).count == rules.count)
        for rule in rules { #expect(!rule.sources.isEmpty && !rule.sentence.isEmpty) }
    }
}

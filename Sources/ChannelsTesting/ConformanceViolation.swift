/// A backend breaks a rule. The description says which, what demands it, and what was seen instead of what.
public struct ConformanceViolation: Error, CustomStringConvertible {
    /// The broken rule.
    public let rule: ConformanceRule
    /// What a backend that keeps the rule would have shown.
    public let expected: String
    /// What this one showed, or threw.
    public let seen: String

    public var description: String {
        let sources = rule.sources.map(\.description).joined(separator: "; ")
        return "Broken: “\(rule.sentence)” (\(rule.id); \(sources)). Expected: \(expected). Seen: \(seen)."
    }
}

/// What was seen is not what was expected; becomes a ``ConformanceViolation`` of the rule that is checked.
struct Breach: Error {
    let expected: String
    let seen: String
}

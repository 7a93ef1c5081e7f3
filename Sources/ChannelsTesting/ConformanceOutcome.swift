/// What came of a rule that is not broken.
public enum ConformanceOutcome: Sendable, Equatable, CustomStringConvertible {
    /// The backend keeps the rule, as far as the check can tell.
    case holds
    /// The rule is about something that a backend may lack, and this one does.
    case absent(reason: String)

    public var description: String {
        switch self {
        case .holds: "holds"
        case .absent(let reason): "absent: \(reason)"
        }
    }
}

/// A rule does not apply; thrown inside a check, and never out of it.
struct Absence: Error {
    let reason: String
}

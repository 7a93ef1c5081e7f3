import Channels

/// What a request may say beside names and content: in a query, or as a member of a JSON object that a route reads.
///
/// Each route knows some of them. One that it does not know, one given twice or out of range is refused with 400
/// `invalid-parameter`, so that a typo never goes unseen. Names that begin with `_` are passed over.
enum Parameter: String, Sendable {
    case after, channel, channels, exclude, expiry, group, limit, max, message, prefix, timeout

    /// May be given more than once in a query.
    var mayRepeat: Bool {
        switch self {
        case .channel, .channels, .exclude: true
        default: false
        }
    }

    /// The parameter of that name; nil for one to pass over.
    static func named(_ name: String, among known: [Parameter]) throws(Problem) -> Parameter? {
        if let parameter = Parameter(rawValue: name), known.contains(parameter) { return parameter }
        if name.utf8.first == UInt8(ascii: "_") { return nil }
        let allowed = known.isEmpty ? "no parameters are" : known.map(\.rawValue).joined(separator: ", ")
        throw .invalidParameter("\(quoted(name)) is not known here; known here: \(allowed).")
    }

    func givenTwice() -> Problem {
        .invalidParameter("'\(rawValue)' is given twice; give it once.")
    }

    // MARK: Values

    /// Seconds as the API writes them.
    func seconds(_ text: some Sequence<UInt8>) throws(Problem) -> Duration {
        guard let duration = Duration(secondsText: text) else {
            throw .invalidParameter(
                "'\(rawValue)' is seconds, digits with an optional fraction as in 0.25, at most 1000000000.",
                limit: 1_000_000_000)
        }
        return duration
    }

    /// A whole number in `range`, in digits.
    func integer(_ text: some Sequence<UInt8>, in range: ClosedRange<Int>) throws(Problem) -> Int {
        var value = 0
        var hasDigits = false
        for byte in text {
            let digit = byte &- UInt8(ascii: "0")
            // Beyond the range it only matters that it is; a number of many digits must not overflow.
            guard digit <= 9 else { throw outOfRange(range, actual: nil) }
            if value <= range.upperBound { value = value * 10 + Int(digit) }
            hasDigits = true
        }
        guard hasDigits, range.contains(value) else { throw outOfRange(range, actual: hasDigits ? value : nil) }
        return value
    }

    /// For a list of names that is too long or too short.
    func outOfCount(_ range: ClosedRange<Int>, actual: Int?) -> Problem {
        .invalidParameter(
            "'\(rawValue)' holds \(range.lowerBound) to \(range.upperBound) names.", limit: range.upperBound,
            actual: actual)
    }

    private func outOfRange(_ range: ClosedRange<Int>, actual: Int?) -> Problem {
        .invalidParameter(
            "'\(rawValue)' is a whole number from \(range.lowerBound) to \(range.upperBound), in digits.",
            limit: range.upperBound, actual: actual.map { min($0, 1_000_000_000) })
    }

    /// A name that a client made up, fit for a detail: short, and printable.
    static func quoted(_ name: String) -> String {
        let shown = name.unicodeScalars.prefix(40).map { (" "..."~").contains($0) ? Character($0) : "?" }
        return "'\(String(shown))\(name.unicodeScalars.count > 40 ? "…" : "")'"
    }
}

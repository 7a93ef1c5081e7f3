/// What a ``HistoryChecker`` found in a history.
struct HistoryReport: CustomStringConvertible {
    var violations: [Violation] = []
    var requestsCount = 0
    /// Sends and group sends that were answered with an id.
    var acknowledgedCount = 0
    var deliveredCount = 0
    /// Requests that were certainly not done.
    var refusedCount = 0
    /// Requests that may have been done or not.
    var openCount = 0
    /// Acknowledged messages and copies that receives without an answer have taken.
    var takenInFlightCount = 0
    /// How many these receives could have taken.
    var takenInFlightMax = 0

    var description: String {
        """
        \(requestsCount) requests: \(acknowledgedCount) sends acknowledged, \(deliveredCount) deliveries, \
        \(refusedCount) refused, \(openCount) that may have been done or not; of \(takenInFlightMax) messages \
        that receives among these could have taken, \(takenInFlightCount) are gone; \
        \(violations.count) violations\(violations.prefix(20).map { "\n  \($0)" }.joined())
        """
    }
}

import HTTPClient
import Testing

extension LaurelProcess {
    /// Sends eight messages at once to the channel x and the group g, in each turn, and expects that all get 503 in time, and that the
    /// server is not ready.
    ///
    /// - Parameters:
    ///   - problems: what they may be told.
    ///   - turns: the first finds a connection that seems to be well, the others may find one that is gone.
    /// - Returns: the messages of which nobody knows whether they were stored.
    func expectRefused(
        _ problems: Set<String> = ["backend-unavailable", "outcome-unknown"], turns turnsCount: Int, _ fault: String
    ) async throws -> Set<String> {
        var doubtful: Set<String> = []
        var slowest = Duration.zero
        for turn in 0..<turnsCount {
            async let readiness = call("GET", "/health/ready")
            let answers = try await withThrowingTaskGroup(of: (String, HTTPClientResponse).self) { group in
                for number in 0..<8 {
                    let target = number.isMultiple(of: 4) ? "/groups/g" : "/channels/x"
                    let message = "\(turn)\(number)"
                    group.addTask { [self] in (message, try await call("POST", target, "\"\(message)\"")) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (message, answer) in answers {
                #expect(answer.status == 503, "\(fault)")
                #expect(problems.contains(answer.problem ?? ""), "\(fault): \(answer.text)")
                if answer.problem == "outcome-unknown" { doubtful.insert(message) }
                slowest = max(slowest, answer.duration)
            }
            #expect(try await readiness.status == 503, "\(fault)")
        }
        print("\(fault): the slowest 503 took \(slowest), \(doubtful.count) of \(8 * turnsCount) may have been stored")
        // Two seconds, and what a busy machine adds; less than two such waits one after the other.
        #expect(slowest < .seconds(3), "\(fault)")
        #expect(try await call("GET", "/health/live").status == 200, "\(fault)")
        return doubtful
    }
}

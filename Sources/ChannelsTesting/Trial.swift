import Channels
import Synchronization

/// One rule's go at one backend: the backend, its time, and the operations in the rules' words.
final class Trial: Sendable {
    let subject: BackendUnderTest
    let settings: LayerSettings
    /// As it is served.
    let backend: any WaitingChannelBackend
    /// The same, where it does the sends of a batch together.
    let batching: (any BatchingChannelBackend)?
    private let clock: any ChannelClock
    private let manualClock: ManualClock?
    /// Receives that were begun, so that none outlives the trial.
    private let receives = Mutex<[PendingReceive]>([])

    init(of subject: BackendUnderTest, settings: LayerSettings) async throws {
        self.subject = subject
        self.settings = settings
        manualClock = subject.time == .movedByHand ? ManualClock() : nil
        clock = manualClock ?? RealClock()
        let store = try await subject.makeBackend(settings, clock)
        let layer = Layer(name: "default", store: store, settings: settings, clock: clock)
        (backend, batching) = (layer.backend, layer.batching)
    }

    /// Ends what was begun, and shuts the backend down.
    func end() async {
        for receive in receives.withLock({ $0 }) { receive.cancel() }
        _ = try? await finished(within: .seconds(5)) { [backend] in await backend.shutdown() }
    }

    // MARK: Time

    var now: ContinuousClock.Instant { clock.now }
    var span: Duration { subject.span }

    /// Lets that much time pass on the backend's clock.
    func pass(_ duration: Duration) async throws {
        if let manualClock {
            manualClock.advance(by: duration)
        } else {
            try await Task.sleep(for: duration)
        }
    }

    /// Lets an expiry pass that began before the call, with what the backend may be late.
    func passExpiry(_ expiry: Duration) async throws {
        try await pass(expiry + (manualClock == nil ? subject.lateness : .milliseconds(1)))
    }

    /// Begins an expiry, lets as much of it pass as can be done for certain, and looks before it has gone by.
    ///
    /// Where time is real and the machine was too slow for that, all of it is repeated with twice the expiry. `attempt` is
    /// new each time, for names.
    ///
    /// - Returns: What was seen, and which attempt and expiry it was.
    func beforeExpiry<Value>(
        begin: (_ expiry: Duration, _ attempt: String) async throws -> Void,
        look: (_ attempt: String) async throws -> Value
    ) async throws -> (value: Value, attempt: String, expiry: Duration) {
        var expiry = span
        for attempt in 1... {
            let deadline = now + expiry
            try await begin(expiry, "\(attempt)")
            try await pass(manualClock == nil ? expiry / 2 : expiry - .milliseconds(1))
            let value = try await look("\(attempt)")
            if now < deadline { return (value, "\(attempt)", expiry) }
            expiry *= 2
        }
        preconditionFailure("the loop has no end of its own; the rule's time limit cancels it")
    }

    // MARK: Receivers in wait

    /// Begins a receive that waits, 60 s by default.
    func startReceive(
        _ channels: String..., max messagesMax: Int = 1, for limit: Duration = .seconds(60)
    ) throws -> PendingReceive {
        let names = try channels.map { try ChannelName($0) }
        let deadline = now + limit
        let task = Task { [backend] in
            try await backend.receiveManyBlocking(
                names, options: ReceiveOptions(messagesMax: messagesMax), until: deadline)
        }
        let receive = PendingReceive(task: task, answerLimit: subject.answerLimit)
        receives.withLock { $0.append(receive) }
        return receive
    }

    /// Returns once `count` receivers wait. Where the backend cannot tell that, after a moment: false.
    @discardableResult
    func receiversWait(_ count: Int) async throws -> Bool {
        let limit = ContinuousClock.now + subject.answerLimit
        var seen = -1
        while ContinuousClock.now < limit {
            guard let waiting = try await receiversTold() else {
                try await Task.sleep(for: .milliseconds(30))
                return false
            }
            if waiting == count { return true }
            seen = waiting
            try Task.checkCancellation()
            await Task.yield()
        }
        throw Breach(expected: "\(count) receivers in wait", seen: "\(seen)")
    }

    /// The layer's totals, once they are as wanted or, as they are then, when an answer should have come.
    func eventually(_ isWanted: (LayerStats) throws -> Bool) async throws -> LayerStats {
        let limit = ContinuousClock.now + subject.answerLimit
        while true {
            let stats = try await optional { try await backend.stats() }
            if try isWanted(stats) || ContinuousClock.now >= limit { return stats }
            // What is waited for is done by threads of the backend's own, of which nobody tells; the limit is in real time.
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func receiversTold() async throws -> Int? {
        do {
            return try await optional { try await backend.stats() }.waiting
        } catch is Absence {
            return nil
        }
    }

    // MARK: Judging

    func require(_ condition: Bool, _ expected: String, seen: @autoclosure () -> String) throws {
        if !condition { throw Breach(expected: expected, seen: seen()) }
    }

    func requireEqual<Value: Equatable>(_ seen: Value, _ expected: Value, _ what: String) throws {
        if seen != expected { throw Breach(expected: "\(what): \(expected)", seen: "\(seen)") }
    }

    /// The value, where the backend tells it.
    func told<Value>(_ value: Value?, _ what: String) throws -> Value {
        guard let value else { throw Absence(reason: "the backend does not tell \(what)") }
        return value
    }
}

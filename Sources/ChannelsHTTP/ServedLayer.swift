import Channels
import HTTPCore
import Synchronization

/// A layer as endpoints hold it: by reference, so that a request copies one pointer.
final class ServedLayer: Sendable {
    static let defaultName = "default"

    let name: String
    let backend: any WaitingChannelBackend
    /// The store itself can wait: one question is enough, while any other is asked first for what is there, as its poller asks on
    /// behalf of all who wait, one message at a time.
    let storeWaits: Bool
    /// The same, where it answers at once.
    let immediate: (any ImmediateChannelBackend)?
    /// The same, where it does the sends of a batch together.
    private let batching: (any BatchingChannelBackend)?
    /// The same, where a send needs no task.
    let callbacks: (any CallbackChannelBackend)?
    let clock: any ChannelClock
    private let sends: AnswerLimit
    private let readinessChecks: AnswerLimit
    /// The one that is under way and not answered yet.
    private let readinessCheck = Mutex<Task<Void, any Error>?>(nil)

    init(_ layer: Layer) {
        name = layer.name
        backend = layer.backend
        storeWaits = layer.store is any WaitingChannelBackend
        immediate = layer.backend as? any ImmediateChannelBackend
        batching = layer.batching
        callbacks = layer.backend as? any CallbackChannelBackend
        clock = layer.clock
        sends = .ofSends(on: layer.clock)
        readinessChecks = .ofReadinessChecks(on: layer.clock)
    }

    /// What its paths begin with: nothing for the layer `default`.
    var pathPrefix: String {
        name == Self.defaultName ? "" : "/layers/\(PercentEncoding.encode(name))"
    }

    // MARK: Answered in time

    /// When a send that begins now is to be answered. Nil: it is answered at once anyway.
    var sendDeadline: ContinuousClock.Instant? { immediate == nil ? sends.deadline : nil }

    /// As the backend's, but answers by `deadline`.
    ///
    /// - Throws: `outcomeUnknown` at the deadline; `backendUnavailable`, with nothing done, after it, and where too many sends,
    ///   or too many bytes of them, have not ended; what the backend throws.
    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions, by deadline: ContinuousClock.Instant?
    ) async throws -> SendReceipt {
        guard let deadline else { return try await backend.send(message, to: channel, options: options) }
        return try await sends.answer(by: deadline, holding: message.content.count) { [backend] in
            try await backend.send(message, to: channel, options: options)
        }
    }

    /// As the backend's, but answers by `deadline`; throws as ``send(_:to:options:by:)``.
    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions, by deadline: ContinuousClock.Instant?
    ) async throws -> GroupSendReceipt {
        guard let deadline else { return try await backend.sendGroup(message, to: group, options: options) }
        return try await sends.answer(by: deadline, holding: message.content.count) { [backend] in
            try await backend.sendGroup(message, to: group, options: options)
        }
    }

    /// Begins a send that waits without a task.
    ///
    /// - Throws: `backendUnavailable`, with nothing done, where too many sends are unanswered.
    func park(
        _ message: Message, to channel: ChannelName, options: SendOptions, on callbacks: any CallbackChannelBackend,
        exchange: any HTTPExchange, answer: @escaping @Sendable (SendReceipt) -> HTTPResponse
    ) throws(ChannelError) -> ParkedSend<SendReceipt> {
        let parked = try makeParked(message, exchange, answer)
        callbacks.send(message, to: channel, options: options) { parked.complete($0) }
        return parked
    }

    /// The same for a send to a group.
    func park(
        _ message: Message, to group: GroupName, options: GroupSendOptions, on callbacks: any CallbackChannelBackend,
        exchange: any HTTPExchange, answer: @escaping @Sendable (GroupSendReceipt) -> HTTPResponse
    ) throws(ChannelError) -> ParkedSend<GroupSendReceipt> {
        let parked = try makeParked(message, exchange, answer)
        callbacks.sendGroup(message, to: group, options: options) { parked.complete($0) }
        return parked
    }

    private func makeParked<Receipt>(
        _ message: Message, _ exchange: any HTTPExchange, _ answer: @escaping @Sendable (Receipt) -> HTTPResponse
    ) throws(ChannelError) -> ParkedSend<Receipt> {
        try sends.begin(holding: message.content.count)
        return ParkedSend(
            limitedBy: sends, contentBytes: message.content.count, exchange: exchange, answer: answer)
    }

    /// Does sends in their order, each on its own, and answers all of them in time, as a single send is.
    ///
    /// - Returns: for each what it answers or throws. Where the time is up, `outcomeUnknown` for those that may have been done,
    /// and `backendUnavailable` for those that were not begun.
    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        let deadline = sendDeadline
        if let batching, let deadline {
            do {
                let contentBytes = sends.reduce(0) { $0 + $1.message.content.count }
                let results = try await self.sends.answer(by: deadline, holding: contentBytes) {
                    await batching.sendEach(sends)
                }
                let missing = Result<BatchedReceipt, any Error>.failure(Self.unanswered)
                return sends.indices.map { $0 < results.count ? results[$0] : missing }
            } catch {
                return sends.map { _ in .failure(error) }
            }
        }
        var results: [Result<BatchedReceipt, any Error>] = []
        for send in sends {
            do {
                switch send {
                case .channel(let channel, let message, let options):
                    results.append(
                        .success(.channel(try await self.send(message, to: channel, options: options, by: deadline))))
                case .group(let group, let message, let options):
                    results.append(
                        .success(.group(try await sendGroup(message, to: group, options: options, by: deadline))))
                }
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// Of a send for which the backend has no result, although it has returned.
    private static let unanswered = ChannelError(
        .outcomeUnknown, "The layer's backend has not said what became of it: the message may be stored.")

    /// As the backend's, but throws `backendUnavailable` where that has not answered within two seconds.
    ///
    /// One at a time: who asks while a check is under way shares its answer.
    func checkReadiness() async throws {
        let check = readinessCheck.withLock { underWay in
            if let underWay { return underWay }
            let check = Task { [self] in
                defer { readinessCheck.withLock { $0 = nil } }
                try await readinessChecks.answer(by: readinessChecks.deadline) { [backend] in
                    try await backend.checkReadiness()
                }
            }
            underWay = check
            return check
        }
        try await check.value
    }
}

import Reactor
import Testing

@testable import ChannelsRedis

/// A link on a loop of its own, and what it tells. On the loop, as the body of ``with(_:limits:prelude:credentials:isStarted:_:)`` is.
// SAFETY: everything belongs to the loop.
final class LinkUnderTest: @unchecked Sendable {
    enum Event: Equatable {
        case ready
        case lost(String)
        case message(String, String)
    }

    /// How long a test waits for an event that does not come.
    private static let patience = Duration.seconds(60)

    let link: RedisLink
    private let stream: AsyncStream<Event>
    private let told: AsyncStream<Event>.Continuation

    private init(
        to locator: any RedisLocator, credentials: RedisCredentials, prelude: [RedisCommand], limits: RedisLink.Limits,
        on loop: EventLoop
    ) {
        let (stream, told) = AsyncStream<Event>.makeStream()
        (self.stream, self.told) = (stream, told)
        let events = RedisLink.Events(
            onReady: { _ in told.yield(.ready) }, onLost: { told.yield(.lost($0)) },
            onMessage: { channel, payload in
                told.yield(.message(String(decoding: channel, as: UTF8.self), String(decoding: payload, as: UTF8.self)))
            })
        link = RedisLink(
            to: locator, credentials: credentials, on: loop, prelude: prelude, events: events, limits: limits)
    }

    /// Makes a link and a loop for it, runs `body` on the loop, and ends both.
    static func with<Value: Sendable>(
        _ endpoint: RedisEndpoint, limits: RedisLink.Limits = RedisLink.Limits(), prelude: [RedisCommand] = [],
        credentials: RedisCredentials = RedisCredentials(), isStarted: Bool = true,
        _ body: @escaping @Sendable (LinkUnderTest) async throws -> Value
    ) async throws -> Value {
        try await with(
            { _ in FixedLocator(endpoint) }, limits: limits, prelude: prelude, credentials: credentials,
            isStarted: isStarted, body)
    }

    /// The same, to where a locator finds it.
    static func with<Value: Sendable>(
        _ makeLocator: @escaping @Sendable (EventLoop) -> any RedisLocator,
        limits: RedisLink.Limits = RedisLink.Limits(), prelude: [RedisCommand] = [],
        credentials: RedisCredentials = RedisCredentials(), isStarted: Bool = true,
        _ body: @escaping @Sendable (LinkUnderTest) async throws -> Value
    ) async throws -> Value {
        let loop = try EventLoop(name: "test-loop")
        try loop.start()
        defer { loop.stop() }
        return try await Task(executorPreference: loop) {
            let test = LinkUnderTest(
                to: makeLocator(loop), credentials: credentials, prelude: prelude, limits: limits, on: loop)
            defer {
                test.link.close()
                test.link.locator.close()
            }
            if isStarted { test.link.start() }
            return try await body(test)
        }.value
    }

    /// Another link on the same loop, for as long as `body` runs.
    func beside<Value>(
        _ endpoint: RedisEndpoint, _ body: (LinkUnderTest) async throws -> Value
    ) async throws -> Value {
        let other = LinkUnderTest(
            to: FixedLocator(endpoint), credentials: RedisCredentials(), prelude: [], limits: RedisLink.Limits(),
            on: link.loop)
        defer { other.link.close() }
        other.link.start()
        return try await body(other)
    }

    // MARK: Events

    /// The next thing that it tells.
    func next() async throws -> Event {
        let alarm = link.loop.schedule(at: .now + Self.patience) { [told] in told.finish() }
        defer { alarm.cancel() }
        var iterator = stream.makeAsyncIterator()
        return try #require(await iterator.next(), "The link says nothing")
    }

    /// Expects that this is the next thing that it tells.
    func tells(_ event: Event, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let told = try await next()
        #expect(told == event, sourceLocation: sourceLocation)
    }

    /// Waits until it is ready. Whatever it has lost before.
    func ready() async throws {
        while try await next() != .ready {}
    }

    /// Waits until something was lost, and gives the reason.
    func lost() async throws -> String {
        while true {
            if case .lost(let reason) = try await next() { return reason }
        }
    }

    /// Asks again and again until it is so.
    func until(_ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + Self.patience
        while try await !isSo() {
            try Task.checkCancellation()
            try #require(ContinuousClock.now < end, "It never came to be so")
        }
    }

    // MARK: Commands

    /// Runs a command; the answer is to be waited for, or not.
    @discardableResult
    func begin(_ command: RedisCommand, within limit: Duration = .seconds(50)) -> Answer {
        let answer = Answer()
        link.run(command, until: .now + limit) { answer.come($0) }
        return answer
    }

    @discardableResult
    func begin(_ words: String..., within limit: Duration = .seconds(50)) -> Answer {
        begin(RedisCommand(words: words), within: limit)
    }

    /// Runs a command, and gives its reply.
    func reply(_ words: String...) async throws -> RedisReply {
        try await begin(RedisCommand(words: words)).result().get()
    }
}

/// What comes of one command, in time: a link sees to that.
// SAFETY: everything belongs to the loop.
final class Answer: @unchecked Sendable {
    private(set) var results: [Result<RedisReply, RedisFailure>] = []
    private var waiter: CheckedContinuation<Void, Never>?

    func come(_ result: Result<RedisReply, RedisFailure>) {
        results.append(result)
        waiter.take()?.resume()
    }

    func result() async -> Result<RedisReply, RedisFailure> {
        if results.isEmpty { await withCheckedContinuation { waiter = $0 } }
        return results[0]
    }

    func reply() async throws -> RedisReply { try await result().get() }

    /// The text of the failure, if it is `notSent`.
    func notSent() async -> String? {
        if case .failure(.notSent(let text)) = await result() { text } else { nil }
    }

    /// The text of the failure, if it is `outcomeUnknown`.
    func outcomeUnknown() async -> String? {
        if case .failure(.outcomeUnknown(let text)) = await result() { text } else { nil }
    }
}

extension RedisServer {
    var endpoint: RedisEndpoint { RedisEndpoint(.host("127.0.0.1", port: port)) }
    var unixEndpoint: RedisEndpoint { RedisEndpoint(.unix(path: unixPath)) }
}

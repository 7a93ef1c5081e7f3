import Channels
import ChannelsTesting
import Reactor
import Testing

@testable import ChannelsRedis

/// A layer's core whose Redis is a test: it sees each call, answers when it likes, and rings. All on one loop.
// SAFETY: everything belongs to the loop.
final class CannedShard: @unchecked Sendable {
    let core: RedisCore
    private let server: CannedServer
    /// Calls that have come, and no test has asked for.
    private var arrived: [Call] = []
    /// Calls that have no answer, in their order.
    private var owed: [Owed] = []
    private var isThrough = false
    private var isGreeted = false
    private static let calls = 0
    private static let bells = 1
    private static let greeting = "+PONG\r\n+OK\r\n"
    /// How long a test waits for a call that does not come.
    private static let patience = Duration.seconds(40)

    /// A call of the library, without its keys; of several receives that came as one, each, without the server's name.
    struct Call: Equatable {
        let operation: String
        let arguments: [String]

        /// Of a receive.
        var waits: Bool { arguments[1] == "1" }
        var channels: [String] { stride(from: 5, to: arguments.count, by: 3).map { arguments[$0] } }
    }

    /// What a call is to be answered with.
    private struct Owed {
        /// The test does not see it.
        var isOurs = false
        /// Receives in it: their answers are told as one, when all are there.
        var receivesCount: Int?
        var answers: [[UInt8]] = []

        /// Nil: there is more to come.
        var answer: [UInt8]? {
            guard answers.count == receivesCount ?? 1 else { return nil }
            // Of a refusal that concerns the whole call.
            guard let receivesCount, answers[0].first != UInt8(ascii: "-") else { return answers[0] }
            return Array("*\(receivesCount)\r\n".utf8) + answers.joined()
        }
    }

    private init(_ server: CannedServer, on loop: EventLoop) {
        self.server = server
        core = RedisCore(
            at: [
                ShardPlace(
                    keys: ShardKeys(prefix: "test", number: 0, count: 1),
                    makeLocator: { FixedLocator(server.endpoint) })
            ],
            credentials: RedisCredentials(), settings: LayerSettings(),
            library: .current, clock: ManualClock(), callTimeMax: .seconds(100), on: loop)
    }

    /// Runs `body` on the loop with a core that has a lease and hears bells.
    static func with(_ body: @escaping @Sendable (CannedShard) async throws -> Void) async throws {
        let bells = "*3\r\n$9\r\nsubscribe\r\n$4\r\nbell\r\n:1\r\n"
        try await CannedServer.run([.says(greeting), .says(greeting + bells)]) { server in
            let shard = CannedShard(server, on: server.loop)
            shard.core.start()
            defer { shard.core.close() }
            try await shard.next("tick")
            shard.answerTick()
            while server.connectionCount < 2 { await Task.yield() }
            try await shard.ringThrough()
            try await body(shard)
        }
    }

    // MARK: Calls

    /// The next call that comes; it is to be of that operation.
    @discardableResult
    func next(_ operation: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Call {
        let call = try await next()
        try #require(call.operation == operation, sourceLocation: sourceLocation)
        return call
    }

    /// The next call that comes.
    func next() async throws -> Call {
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end {
            collect()
            if !arrived.isEmpty { return arrived.removeFirst() }
            await Task.yield()
        }
        throw Silence()
    }

    /// What was to come never came.
    private struct Silence: Error {}

    /// Whether nothing is asked that no test has asked for, for all that the core has heard until now.
    func isQuiet() async throws -> Bool {
        try await ringThrough()
        return arrived.isEmpty
    }

    private func collect() {
        while let words = server.takeCommand(on: Self.calls) {
            guard words[0] == "FCALL" else {
                if words[0] == "INFO" { owed.append(Owed(isOurs: true)) }
                continue
            }
            let (operation, arguments) = (words[11], Array(words[14...]))
            guard operation == "receive" else {
                let isOurs = operation == "pass" && arguments.last == "nobody"
                owed.append(Owed(isOurs: isOurs))
                if isOurs { isThrough = true } else { arrived.append(Call(operation: operation, arguments: arguments)) }
                continue
            }
            let receives = Self.receives(arguments.dropFirst())
            owed.append(Owed(receivesCount: receives.count))
            arrived += receives
        }
        // Where the bells are silent for long the core asks whether anybody is there; without an answer it would connect again,
        // and everybody ask again: no bell would be missed.
        while let words = server.takeCommand(on: Self.bells) {
            guard words[0] == "PING" else { continue }
            if isGreeted { server.say(Array("*2\r\n$4\r\npong\r\n$0\r\n\r\n".utf8), on: Self.bells) }
            isGreeted = true
        }
        answerOurs()
    }

    private static func receives(_ arguments: ArraySlice<String>) -> [Call] {
        var left = arguments
        var calls: [Call] = []
        while let namesCount = left.first.flatMap({ Int($0) }) {
            calls.append(Call(operation: "receive", arguments: Array(left.prefix(5 + 3 * namesCount))))
            left = left.dropFirst(5 + 3 * namesCount)
        }
        return calls
    }

    private func answerOurs() {
        while owed.first?.isOurs == true {
            owed.removeFirst()
            server.say(Array("+OK\r\n".utf8), on: Self.calls)
        }
    }

    /// Answers the first call that has no answer yet.
    func answer(_ text: String) { answer(Array(text.utf8)) }

    private func answer(_ bytes: [UInt8]) {
        precondition(owed.first?.isOurs == false, "no call is without an answer")
        owed[0].answers.append(bytes)
        guard let answer = owed[0].answer else { return }
        owed.removeFirst()
        server.say(answer, on: Self.calls)
        answerOurs()
    }

    /// A tick's: the lease is the same, and so many messages were handed over since the beginning.
    func answerTick(handed: Int = 0) { answer("*3\r\n:7\r\n:0\r\n:\(handed)\r\n") }

    /// Nothing is there, for so many names, each in these groups.
    func answerNothing(names: Int = 1, groups: [String] = []) {
        let each = "*\(groups.count)\r\n" + groups.map { "$8\r\n\($0)\r\n" }.joined()
        answer("*\(1 + names)\r\n$4\r\nnone\r\n" + String(repeating: each, count: names))
    }

    func answerUnknown() { answer("*1\r\n$7\r\nunknown\r\n") }

    func answerTaken(_ text: String, from channel: String) throws {
        var stored = try #require(StoredMessage([UInt8](repeating: 0, count: StoredMessage.headBytes)))
        stored.message = Message(content: Array(text.utf8))
        let head = "*7\r\n$5\r\ntaken\r\n:1\r\n:0\r\n$\(channel.utf8.count)\r\n\(channel)\r\n:5\r\n:0\r\n"
        answer(Array("\(head)$\(stored.bytes.count)\r\n".utf8) + stored.bytes + Array("\r\n".utf8))
    }

    // MARK: Bells

    /// Rings, and returns once the core has heard it.
    func ring(_ bell: String) async throws {
        sayBell(bell)
        try await ringThrough()
    }

    /// A bell that comes to nobody is passed on: what was said and asked before it has come through.
    private func ringThrough() async throws {
        isThrough = false
        sayBell("mnobody")
        let end = ContinuousClock.now + Self.patience
        while !isThrough {
            guard ContinuousClock.now < end else { throw Silence() }
            await Task.yield()
            collect()
        }
    }

    private func sayBell(_ bell: String) {
        let text = "*3\r\n$7\r\nmessage\r\n$4\r\nbell\r\n$\(bell.utf8.count)\r\n\(bell)\r\n"
        server.say(Array(text.utf8), on: Self.bells)
    }

    // MARK: Receivers

    /// A receiver that comes now.
    func begin(_ channels: String..., max: Int = 1) throws -> Receiver {
        try begin(channels.map { try ChannelName($0) }, max: max)
    }

    func begin(_ channels: [ChannelName], max: Int = 1) -> Receiver {
        let receiver = Receiver(
            Waiter(channels, options: ReceiveOptions(messagesMax: max), shards: core.shards(of: channels)))
        core.waits.begin(receiver.waiter)
        return receiver
    }

    /// One for whom nothing was there.
    func wait(on channel: String, groups: [String] = []) async throws -> Receiver {
        let receiver = try begin(channel)
        try await next("receive")
        answerNothing(groups: groups)
        try #require(try await isQuiet())
        return receiver
    }
}

/// A receiver, and what it was told in the end. On the loop.
// SAFETY: everything belongs to the loop.
final class Receiver: @unchecked Sendable {
    let waiter: Waiter
    private(set) var result: Result<[Delivery], any Error>?

    fileprivate init(_ waiter: Waiter) {
        self.waiter = waiter
        // The core may tell it of its end after the test has lost interest.
        waiter.resume = { [weak self] in self?.result = $0 }
    }

    /// What it got; nil while it waits, and where it failed.
    var texts: [String]? {
        result.flatMap { try? $0.get() }?.map { String(decoding: $0.message.content, as: UTF8.self) }
    }

    /// How it failed.
    var failure: ChannelError.Code? {
        if case .failure(let error as ChannelError) = result { error.code } else { nil }
    }
}

import Channels
import Reactor

/// One shard of a layer: two connections to the Redis that has it, one for calls of its function, of which it reads what comes of
/// them, and one for bells. Loop only.
// SAFETY: everything belongs to the loop.
final class Shard: @unchecked Sendable {
    struct Events {
        /// A connection for calls has begun. Each time.
        var onReady: () -> Void
        /// A connection for bells has begun: bells may have rung for nobody. Each time.
        var onListening: () -> Void
        var onBell: (_ bell: [UInt8]) -> Void
    }

    let keys: ShardKeys
    /// Who asks.
    let server: String
    let link: RedisLink
    private let bells: RedisLink
    private let credentials: RedisCredentials
    private let library: ShardLibrary
    private let time: (@Sendable () -> Int64)?
    private let troubles: ShardTroubles
    /// What begins each call, up to the operation.
    private let begin: RedisCommand
    private let beginFreeing: RedisCommand

    /// See ``RedisCore/callTimeMax``.
    let callTimeMax: Duration
    /// For how long what frees much is called again and again.
    static let freeingTimeMax = Duration.seconds(30)
    /// Between two attempts at what may soon be possible.
    private static let pause = Duration.milliseconds(20)
    private static let redirectionsInARowMax = 3
    /// Between two searches for who works for the shard.
    private static let lookingPause = Duration.seconds(1)
    /// For how long a connection that was made for a detour is kept for the next one.
    private static let detourTime = Duration.seconds(10)
    private var detours: [RedisEndpoint: (link: RedisLink, usedAt: ContinuousClock.Instant)] = [:]
    private var lookedElsewhereAt: ContinuousClock.Instant?
    /// Calls that are attempted again in a moment.
    private var paused: [Int: Call] = [:]
    private var lastPaused = 0
    private static let detoursMax = 8
    /// By link.
    private var waitingForLibrary: [ObjectIdentifier: [(ChannelError?) -> Void]] = [:]
    // Of `Shard+Gathering.swift`.
    var sends = Gathered<ChannelSend>(countMax: gatheredMax, weightMax: gatheredBytesMax)
    var receives = Gathered<ReceiveCall>(countMax: gatheredMax, weightMax: gatheredNamesMax)
    var sendCallsUnderWay = 0
    var receiveCallsUnderWay = 0
    /// What is gathered is called in the loop's next turn, if it may be.
    var isGathering = false

    /// - Parameters:
    ///   - server: for whom the bells are, and what is taken.
    ///   - time: written to ``ShardKeys/time`` before each call, for a library that reads it there.
    ///   - report: told when the shard has a trouble, and when it has none any more.
    init(
        at place: ShardPlace, server: String, credentials: RedisCredentials, library: ShardLibrary,
        time: (@Sendable () -> Int64)?, callTimeMax: Duration, report: @escaping @Sendable (BackendReport) -> Void,
        events: Events, on loop: EventLoop
    ) {
        keys = place.keys
        self.server = server
        self.credentials = credentials
        self.library = library
        self.time = time
        self.callTimeMax = callTimeMax
        let troubles = ShardTroubles(on: loop, report: report)
        self.troubles = troubles
        let (commandsLocator, bellsLocator) = (place.makeLocator(), place.makeLocator())
        link = RedisLink(
            to: commandsLocator, credentials: credentials, on: loop, prelude: [],
            events: .init(
                onReady: { name in
                    troubles.end(.calls, at: name)
                    events.onReady()
                }, onLost: { troubles.begin(.calls, $0) }, onMessage: { _, _ in }))
        // Of the shard's own node, not of the whole cluster; where there is none it is the same.
        var subscribe = RedisCommand("SSUBSCRIBE")
        subscribe.append(keys.bell(of: server))
        bells = RedisLink(
            to: bellsLocator, credentials: credentials, on: loop, prelude: [subscribe],
            events: .init(
                onReady: { name in
                    troubles.end(.bells, at: name)
                    events.onListening()
                }, onLost: { troubles.begin(.bells, $0) }, onMessage: { _, bell in events.onBell(bell) }))
        begin = Self.makeBeginning(library.name, keys)
        beginFreeing = Self.makeBeginning(library.name + "_free", keys)
    }

    private static func makeBeginning(_ function: String, _ keys: ShardKeys) -> RedisCommand {
        var command = RedisCommand("FCALL")
        command.append(function)
        command.append(Int64(keys.all.count))
        for key in keys.all { command.append(key) }
        command.append(Int64(keys.number))
        command.append(Int64(keys.count))
        return command
    }

    /// Any number of times.
    func start() {
        link.start()
        bells.start()
    }

    /// Asks which process of Redis it is that has the shard, as a number; nil: it may not be asked. And has the bells follow.
    func arrive(completion: @escaping (Int64?) -> Void) {
        if let endpoint = link.endpoint, let old = bells.endpoint, old != endpoint {
            bells.move(to: endpoint, because: "the shard is elsewhere")
        }
        var command = RedisCommand("INFO")
        command.append("server")
        link.run(command, until: .now.advanced(by: callTimeMax)) { result in
            let text = (try? result.get())?.text ?? ""
            completion(text.firstMatch(of: /run_id:([0-9a-f]{12})/).flatMap { Int64($0.1, radix: 16) })
        }
    }

    /// Bells are heard.
    var isListening: Bool { bells.isReady }

    func close() {
        for link in [link, bells] {
            link.close()
            link.locator.close()
        }
        closeDetours(all: true)
        let paused = self.paused
        self.paused = [:]
        for call in paused.values { call.completion(.failure(.unreachable)) }
    }

    /// Runs an operation in Redis, again and again while it says that more is in its way.
    ///
    /// - Parameters:
    ///   - deadline: for the first answer; nil: after ``RedisCore/callTimeMax``.
    ///   - completion: called once, on the loop, never within this call: with what the operation answers, or with
    ///     `backendUnavailable` where nothing happened, `outcomeUnknown` where nobody can tell, `layerFull` where Redis has no
    ///     memory left.
    func call(
        _ operation: ShardOperation, answeredUntil deadline: ContinuousClock.Instant? = nil,
        completion: @escaping (Result<RedisReply, ChannelError>) -> Void
    ) {
        if operation.name != "send", operation.name != "receive" { callGathered() }
        let repeatTime = operation.freesMemory ? Self.freeingTimeMax : callTimeMax
        let end = ContinuousClock.now.advanced(by: repeatTime)
        attempt(Call(operation: operation, repeatedUntil: end, completion: completion, deadline: deadline))
    }

    /// An operation on its way.
    private struct Call {
        let operation: ShardOperation
        /// It is repeated no more.
        let repeatedUntil: ContinuousClock.Instant
        let completion: (Result<RedisReply, ChannelError>) -> Void
        /// What the operation said when it was to be called again.
        var started: (String, String)?
        /// For how long this part of it may have no answer. Each has its own: that many of them take long is no sign of a
        /// Redis that stands still.
        var deadline: ContinuousClock.Instant?
        /// In a row.
        var redirections = 0
    }

    /// - Parameter detour: who is to be asked this once, in place of who has the shard.
    private func attempt(_ call: Call, over detour: RedisLink? = nil) {
        var call = call
        let deadline = call.deadline ?? .now.advanced(by: callTimeMax)
        call.deadline = deadline
        let operation = call.operation
        var command = operation.freesMemory ? beginFreeing : begin
        command.append(operation.name)
        command.append(call.started?.0 ?? "")
        command.append(call.started?.1 ?? "")
        for argument in operation.arguments { argument.append(to: &command) }
        let link = detour ?? self.link
        if let time {
            if detour != nil { link.run(RedisCommand("ASKING"), until: deadline) { _ in } }
            var setTime = RedisCommand("SET")
            setTime.append(keys.time)
            setTime.append(time())
            link.run(setTime, until: deadline) { _ in }
        }
        if detour != nil { link.run(RedisCommand("ASKING"), until: deadline) { _ in } }
        link.run(command, until: deadline) { [self] result in ended(call, over: link, result) }
    }

    private func ended(_ call: Call, over link: RedisLink, _ result: Result<RedisReply, RedisFailure>) {
        switch result {
        case .failure(.notSent(let why)):
            // Else it is the connection's trouble, and known as that.
            if link.isReady { troubles.begin(.answers, why) }
            call.completion(.failure(.unreachable))
        case .failure(.outcomeUnknown): call.completion(.failure(.unanswered))
        case .success(.error(let text)): refused(call, over: link, text)
        case .success(.array(let elements)) where elements.first?.text == "again" && elements.count == 3:
            guard let started = elements[1].text, let startedAt = elements[2].text else {
                return call.completion(.failure(.strange(elements[0])))
            }
            guard .now < call.repeatedUntil else { return call.completion(.failure(.tooMuchInTheWay)) }
            var call = call
            call.started = (started, startedAt)
            call.deadline = nil
            attempt(call)
        case .success(let reply):
            // That something can be freed says nothing of whether there is memory.
            if !call.operation.freesMemory { troubles.end(.answers, at: link.name) }
            call.completion(.success(reply))
        }
    }

    // MARK: Refusals

    /// Redis answered with an error: nothing was run.
    private func refused(_ call: Call, over link: RedisLink, _ text: String) {
        if text.contains("Function not found") {
            // Redis is new, or its functions were flushed.
            return loadLibrary(over: link, until: call.deadline) { [self] failure in
                if let failure { return call.completion(.failure(failure)) }
                attempt(call, over: link === self.link ? nil : link)
            }
        }
        if self.link.locator.followsRedirections {
            if let endpoint = link.endpoint, let redirection = Redirection(text, from: endpoint) {
                return follow(redirection, with: call, text)
            }
            // The slot's keys are on their way to another node.
            if text.hasPrefix("TRYAGAIN") { return attemptLater(call, text) }
        }
        let isRedirection = text.hasPrefix("MOVED ")
        call.completion(.failure(refusalElsewhere(isRedirection ? Redirection.unexpected : text)))
    }

    private func follow(_ redirection: Redirection, with call: Call, _ text: String) {
        // Sent back and forth: whoever has it now, there is another to say so in a moment.
        guard call.redirections < Self.redirectionsInARowMax else { return attemptLater(call, text) }
        var call = call
        call.redirections += 1
        switch redirection.kind {
        case .moved:
            link.move(to: redirection.endpoint, because: text)
            attempt(call)
        case .ask:
            guard detours[redirection.endpoint] != nil || detours.count < Self.detoursMax else {
                return attemptLater(call, text)
            }
            attempt(call, over: detour(to: redirection.endpoint))
        }
    }

    private func attemptLater(_ call: Call, _ text: String) {
        guard let deadline = call.deadline, link.loop.now + Self.pause < deadline else {
            return call.completion(.failure(refusal(text)))
        }
        var call = call
        call.redirections = 0
        lastPaused += 1
        paused[lastPaused] = call
        _ = link.loop.schedule(at: link.loop.now + Self.pause) { [weak self, lastPaused] in
            if let self, let call = paused.removeValue(forKey: lastPaused) { attempt(call) }
        }
    }

    /// Who says so is not, or not any more, who works for this shard.
    private func isElsewhere(_ text: String) -> Bool {
        link.locator.mayMove && ["READONLY", "CLUSTERDOWN", "MASTERDOWN"].contains { text.hasPrefix($0) }
    }

    /// Not with each answer that says so.
    private func lookElsewhere(because text: String) {
        let now = link.loop.now
        guard lookedElsewhereAt.map({ $0 + Self.lookingPause <= now }) ?? true else { return }
        lookedElsewhereAt = now
        link.move(to: nil, because: text)
        bells.move(to: nil, because: text)
    }

    /// Of who may not be who works for this shard any more.
    private func refusalElsewhere(_ text: String) -> ChannelError {
        if isElsewhere(text) { lookElsewhere(because: text) }
        return refusal(text)
    }

    func refusal(_ text: String) -> ChannelError {
        troubles.begin(.answers, link.describe(text))
        return .refused(text)
    }

    // MARK: Detours

    private func detour(to endpoint: RedisEndpoint) -> RedisLink {
        if let known = detours[endpoint] {
            detours[endpoint] = (known.link, link.loop.now)
            return known.link
        }
        let detour = RedisLink(
            to: FixedLocator(endpoint), credentials: credentials, on: link.loop, prelude: [],
            events: .init(
                onReady: { _ in }, onLost: { [troubles] in troubles.begin(.answers, $0) }, onMessage: { _, _ in }))
        detours[endpoint] = (detour, link.loop.now)
        detour.start()
        return detour
    }

    /// There is another connection on which calls may have no answer yet.
    var hasDetours: Bool { !detours.isEmpty }

    /// Ends connections that were made for a detour and are not used any more.
    func closeIdleDetours() { closeDetours(all: false) }

    private func closeDetours(all: Bool) {
        let bound = link.loop.now - Self.detourTime
        for (endpoint, detour) in detours where all || detour.usedAt < bound {
            detours[endpoint] = nil
            detour.link.close()
        }
    }

    // MARK: The library

    /// Once for all calls that miss it at that time.
    private func loadLibrary(
        over link: RedisLink, until deadline: ContinuousClock.Instant?, then: @escaping (ChannelError?) -> Void
    ) {
        let key = ObjectIdentifier(link)
        waitingForLibrary[key, default: []].append(then)
        guard waitingForLibrary[key]?.count == 1 else { return }
        link.run(library.loadCommand, until: deadline ?? .now.advanced(by: callTimeMax)) { [self] result in
            let failure: ChannelError? =
                switch result {
                case .failure: .unreachable
                case .success(.error(let text)): refusalElsewhere(text)
                case .success: nil
                }
            for then in waitingForLibrary.removeValue(forKey: key) ?? [] { then(failure) }
        }
    }
}

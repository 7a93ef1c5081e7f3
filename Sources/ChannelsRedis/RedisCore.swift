import Channels
import Reactor

/// A layer in Redis, as this server sees it: its shards, and who waits here. All of it is on one loop.
// SAFETY: `loop`, `shardCount` and `settings` are constant; everything else is touched on the loop only.
final class RedisCore: @unchecked Sendable {
    let loop: EventLoop
    let settings: LayerSettings
    let shardCount: Int
    /// Known to Redis under this name, new with each start.
    let server: String
    private(set) var shards: [Shard] = []
    private(set) var waits: Waits!
    /// They start when the first one has answered: it tells whether there are so many.
    private var dependentShards: Set<Int> = []
    private let clock: any ChannelClock
    private var ticks: (any ScheduledAction)?
    private(set) var isClosed = false
    /// By shard: which process of Redis has it, where it tells.
    private var processes: [Int: Int64] = [:]
    /// By shard: the number of this server's lease there, as it heard it last.
    private var leases: [Int: Int64] = [:]
    /// By shard: a tick is under way, and whether another is wanted after it.
    private var ticksUnderWay: [Int: Bool] = [:]
    /// By shard.
    private var handed: [HandedMessages]
    /// Deliveries that certainly could not go back.
    var keptCount = 0

    /// How long a call may have no answer, and repeats of one that must be answered soon may go on: a send is answered within
    /// two seconds, whatever happens.
    static let callTimeMax = Duration.milliseconds(1800)
    private static let tickInterval = Duration.seconds(1)

    /// - Parameters:
    ///   - places: one for each shard.
    ///   - clock: tells when to tick.
    ///   - time: what Redis's clock is to say, in microseconds, in place of its own; for a library that reads it.
    ///   - report: told when a shard has a trouble, and when it has none any more.
    init(
        at places: [ShardPlace], credentials: RedisCredentials, settings: LayerSettings,
        library: ShardLibrary, clock: any ChannelClock, time: (@Sendable () -> Int64)? = nil,
        callTimeMax: Duration = RedisCore.callTimeMax, report: @escaping @Sendable (BackendReport) -> Void = { _ in },
        on loop: EventLoop
    ) {
        self.loop = loop
        self.clock = clock
        self.settings = settings
        shardCount = places.count
        handed = Array(repeating: HandedMessages(), count: places.count)
        server = String(UInt64.random(in: .min ... .max), radix: 16)
        waits = Waits(core: self)
        for place in places {
            let number = place.keys.number
            if place.dependsOnFirst { dependentShards.insert(number) }
            shards.append(
                Shard(
                    at: place, server: server, credentials: credentials, library: library, time: time,
                    callTimeMax: callTimeMax, report: report,
                    events: .init(
                        onReady: { [weak self] in self?.arrive(at: number) },
                        onListening: { [weak self] in self?.waits.lookAgain(in: number) },
                        onBell: { [weak self] bell in self?.waits.rung(bell, in: number) }),
                    on: loop))
        }
    }

    func start() {
        for shard in shards where !dependentShards.contains(shard.keys.number) { shard.start() }
        planTick()
    }

    func close() {
        isClosed = true
        ticks?.cancel()
        waits.endAll()
        for shard in shards { shard.close() }
    }

    // MARK: Ticks

    private func planTick() {
        ticks = clock.schedule(at: clock.now.advanced(by: Self.tickInterval)) { [weak self, loop] in
            loop.execute { [weak self] in self?.tickAll() }
        }
    }

    private func tickAll() {
        guard !isClosed else { return }
        for shard in shards where !dependentShards.contains(shard.keys.number) {
            shard.closeIdleDetours()
            tick(shard.keys.number)
        }
        planTick()
    }

    private func arrive(at shard: Int) {
        processes[shard] = nil
        shards[shard].arrive { [weak self] process in
            self?.processes[shard] = process
            self?.tick(shard)
        }
    }

    /// Renews this server's lease, sweeps, and says which channels nobody waits for any more. One at a time.
    func tick(_ shard: Int) {
        guard !isClosed else { return }
        guard ticksUnderWay[shard] == nil else { return ticksUnderWay[shard] = true }
        ticksUnderWay[shard] = false
        forgetIdle(in: shard)
        let process = processes[shard].map { "\($0)" } ?? ""
        shards[shard].call(ShardOperation("tick", freesMemory: true, [.text(server), .text(process)])) {
            [weak self] result in
            guard let self else { return }
            var isWantedAgain = ticksUnderWay.removeValue(forKey: shard) ?? false
            if case .success(let reply) = result, let answers = reply.elements, answers.count == 3 {
                compareHanded(answers[2], in: shard)
                if shard == 0 { startDependentShards() }
                // Another lease: Redis may have forgotten for what it was to ring.
                if let lease = answers[0].int, leases[shard] != lease {
                    leases[shard] = lease
                    waits.lookAgain(in: shard)
                }
                if answers[1].int == 1 { isWantedAgain = true }
                // What rings now is not heard here. That may go on: a bell needs more rights than a call.
                if !shards[shard].isListening { waits.lookAgain(in: shard) }
            }
            if isWantedAgain { tick(shard) }
        }
    }

    // MARK: What was handed over

    /// Deliveries that reached nobody and could not go back, as far as Redis has told its counts.
    var lostCount: Int { handed.reduce(keptCount) { $0 + $1.lostCount } }

    /// See ``HandedMessages/arrived(_:)``.
    func arrived(_ count: Int, from shard: Int) { handed[shard].arrived(count) }

    /// Called with an answer of which everything before it on its connection was heard.
    func compareHanded(_ count: RedisReply, in shard: Int) {
        // Of what is asked elsewhere it is not certain that it was answered before: then a later count has to tell.
        guard let count = count.int, !shards[shard].hasDetours else { return }
        handed[shard].compare(with: count)
    }

    private func startDependentShards() {
        for shard in dependentShards { shards[shard].start() }
        dependentShards = []
    }

    private func forgetIdle(in shard: Int) {
        var names = waits.takeIdle(in: shard)[...]
        while !names.isEmpty {
            let part = names.prefix(Self.namesInCallMax)
            names = names.dropFirst(part.count)
            let operation = ShardOperation(
                "forget", freesMemory: true, [.text(server)] + part.map { .text($0.rawValue) })
            shards[shard].call(operation) { [weak self] result in
                if case .failure = result { self?.waits.keepIdle(Array(part), in: shard) }
            }
        }
    }

    private static let namesInCallMax = 1000

    // MARK: Calls

    func shard(of queue: ChannelName) -> Int { ShardKeys.shard(of: queue, count: shardCount) }

    /// The names by shard.
    func shards(of names: [ChannelName]) -> [Int: [ChannelName]] {
        Dictionary(grouping: names) { shard(of: $0.queue) }
    }

    func run(
        _ operation: ShardOperation, for queue: ChannelName, completion: @escaping (Result<Void, ChannelError>) -> Void
    ) {
        shards[shard(of: queue)].call(operation) { completion($0.map { _ in }) }
    }

    func runOnAll(_ operation: ShardOperation, completion: @escaping (Result<Void, ChannelError>) -> Void) {
        callAll(operation) { completion($0.map { _ in }) }
    }

    /// Runs an operation on all shards: what they answer, in their order, or how one of them failed.
    func callAll(
        _ operation: ShardOperation, completion: @escaping (Result<[RedisReply], ChannelError>) -> Void
    ) {
        gather(Array(shards.indices), { shard, answer in self.shards[shard].call(operation, completion: answer) }) {
            completion($0)
        }
    }

    /// Calls for each, at once, and waits for all.
    func gather<Element, Value>(
        _ elements: [Element],
        _ call: (Element, @escaping (Result<Value, ChannelError>) -> Void) -> Void,
        completion: @escaping (Result<[Value], ChannelError>) -> Void
    ) {
        var results: [Result<Value, ChannelError>?] = Array(repeating: nil, count: elements.count)
        var missing = elements.count
        for (index, element) in elements.enumerated() {
            call(element) { result in
                results[index] = result
                missing -= 1
                guard missing == 0 else { return }
                completion(
                    Result { () throws(ChannelError) in
                        var values: [Value] = []
                        for result in results { if let result { values.append(try result.get()) } }
                        return values
                    })
            }
        }
    }
}

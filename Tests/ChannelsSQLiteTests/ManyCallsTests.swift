import Channels
import ChannelsTesting
import Synchronization
import Testing

@testable import ChannelsReference
@testable import ChannelsSQLite

/// What must hold of a backend that many call at once, in whatever order their calls come into transactions, and
/// whichever of these fail.
@Suite("Many calls at once, on the SQLite backend")
struct ManyCallsTests {
    /// 16 callers with 150 calls each; of the commits one in five is refused. In every other run nothing expires and
    /// nothing is purged, so that all that was accepted must arrive. (The calls follow from the seed, their order not.)
    @Test("Everything accepted is taken once, in order, over failed commits and a restart", arguments: 1...4)
    func randomCalls(seed: Int) async throws {
        let isEndless = !seed.isMultiple(of: 2)
        let folder = try TemporaryFolder()
        var settings = LayerSettings()
        settings.capacity = 20
        settings.expiry = .seconds(1_000_000)
        let first = try Layer(in: folder, settings: settings)
        for channel in ["a", "m!x", "m!y"] { try await first.join(channel, "g") }
        let refusals = Refusals(count: 0, oneIn: 5, seed: UInt64(seed))
        try await first.backend.perform { refusals.refuse(commitsOf: $0) }
        refusals.setLeft(.max)
        let callers = await call(first, seed: UInt64(seed), isEndless: isEndless)
        refusals.setLeft(0)
        #expect(refusals.count > 20)
        #expect(first.backend.transactionCount < 16 * 150, "calls share transactions")
        #expect(try await first.backend.stats().waiting == 0)
        let members = try await members(of: first)
        await first.backend.shutdown()
        withExtendedLifetime(refusals) {}

        let second = try Layer(in: folder, settings: settings)
        #expect(try await self.members(of: second) == members)
        let rest = try await takeAll(from: second)
        let stats = try await second.backend.stats()
        await second.backend.shutdown()

        for caller in callers { checkOrder(of: caller.taken, returned: Set(callers.flatMap(\.givenBack))) }
        checkOrder(of: rest, returned: [])
        var net: [RandomCaller.Copy: Int] = [:]
        for copy in callers.flatMap(\.taken) + rest { net[copy, default: 0] += 1 }
        for copy in callers.flatMap(\.givenBack) { net[copy, default: 0] -= 1 }
        let sent = callers.reduce(into: Set()) { $0.formUnion($1.sent) }
        let sentToGroups = callers.flatMap(\.sentToGroups).reduce(into: [:]) { $0[$1.key] = $1.value }
        for (copy, count) in net {
            #expect((0...1).contains(count), "\(copy) was taken \(count) times")
            #expect(copy.isOfGroup ? sentToGroups[copy.id] == copy.text : sent.contains(copy), "\(copy) was not sent")
        }
        let counts = try #require(stats.counts)
        #expect(counts.delivered == net.values.reduce(0, +))
        #expect(counts.sent == counts.delivered + counts.expired + counts.purged)
        #expect(stats.pending == 0)
        #expect(stats.groupSends == sentToGroups.count)
        #expect(stats.groupCopies == callers.reduce(0) { $0 + $1.memberCount })
        guard isEndless else { return }
        for copy in sent { #expect(net[copy] == 1, "\(copy) has not arrived") }
        let copies = net.filter(\.key.isOfGroup).values.reduce(0, +)
        #expect(stats.groupCopies == copies + counts.dropped)
        #expect(counts.sent == sent.count + copies)
    }

    /// Has all callers call at once, while the clock goes on.
    private func call(_ layer: Layer, seed: UInt64, isEndless: Bool) async -> [RandomCaller] {
        let isOver = Mutex(false)
        async let ticking: Void = {
            while !isOver.withLock({ $0 }) {
                layer.clock.advance(by: .milliseconds(20))
                await Task.yield()
            }
        }()
        let callers = await withTaskGroup(of: RandomCaller.self) { group in
            for number in 0..<16 {
                group.addTask {
                    var caller = RandomCaller(of: layer, number: number, seed: seed, isEndless: isEndless)
                    for _ in 0..<150 { await caller.call() }
                    return caller
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        isOver.withLock { $0 = true }
        await ticking
        return callers
    }

    private func takeAll(from layer: Layer) async throws -> [RandomCaller.Copy] {
        var taken: [RandomCaller.Copy] = []
        for channel in ["a", "b", "m!"] {
            while case let deliveries = try await layer.receive(channel, max: 7), !deliveries.isEmpty {
                taken += deliveries.map { RandomCaller.Copy($0) }
            }
        }
        return taken
    }

    private func members(of layer: Layer) async throws -> [[ChannelName]] {
        var members: [[ChannelName]] = []
        for group in RandomCaller.groups {
            members.append(
                try await layer.backend.groupMembers(GroupName(group), options: GroupMembersOptions()).channels)
        }
        return members
    }

    /// What one receiver gets from a channel comes in the order of ids, but for what had gone back.
    private func checkOrder(of copies: [RandomCaller.Copy], returned: Set<RandomCaller.Copy>) {
        var last: [String: MessageID] = [:]
        for copy in copies {
            if let before = last[copy.channel], copy.id <= before {
                #expect(returned.contains(copy), "\(copy) came after \(before)")
            }
            last[copy.channel] = max(copy.id, last[copy.channel] ?? copy.id)
        }
    }
}

import Channels
import Testing

@testable import ChannelsRedis

@Suite("Slots, and who says what of them")
struct TopologyTests {
    @Test(
        "A tag's slot is that of Redis",
        // CRC16 of "123456789" is 0x31C3 (Redis Cluster Specification, appendix A); the others are what CLUSTER KEYSLOT says.
        arguments: [("123456789", 0x31C3), ("", 0), ("foo", 12182), ("user1000", 3443), ("laurel:0", 8060)])
    func slots(tag: String, slot: Int) {
        #expect(HashSlot(ofTag: tag).number == slot)
    }

    @Test("The shards of a layer are spread evenly over the slots", arguments: [1, 2, 3, 6, 7, 64])
    func spread(count: Int) {
        let keys = ShardKeys.inCluster(prefix: "laurel", count: count)
        #expect(keys.map(\.number) == Array(0..<count))
        let ranges = Set(keys.map { $0.slot.number * count / HashSlot.count })
        #expect(ranges.count == count)
    }

    @Test("All keys of a shard have its slot, and its first shard has the same however many there are")
    func oneTag() throws {
        for keys in ShardKeys.inCluster(prefix: "a b", count: 5) {
            for key in keys.all + [keys.time, keys.bell(of: "x")] {
                let tag = try #require(key.split(separator: "}").first?.dropFirst())
                #expect(HashSlot(ofTag: tag) == keys.slot)
            }
        }
        #expect(
            ShardKeys.inCluster(prefix: "laurel", count: 5)[0].all
                == ShardKeys(prefix: "laurel", number: 0, count: 1).all)
    }

    @Test(
        "What a node says of a slot that it does not have is read",
        arguments: [
            ("MOVED 3999 127.0.0.1:6381", .moved, "127.0.0.1:6381"), ("ASK 3999 ::1:6381", .ask, "[::1]:6381"),
            ("MOVED 1 node-2.example:7000", .moved, "node-2.example:7000"), ("MOVED 1 :7000", .moved, "10.0.0.9:7000"),
            ("MOVED 1 ?:7000", .moved, "10.0.0.9:7000"),
        ] as [(String, Redirection.Kind, String)])
    func redirections(text: String, kind: Redirection.Kind, endpoint: String) throws {
        let asked = RedisEndpoint(.host("10.0.0.9", port: 6379))
        let redirection = try #require(Redirection(text, from: asked))
        #expect(redirection.kind == kind)
        #expect(redirection.endpoint.description == endpoint)
    }

    @Test(
        "What is none is none",
        arguments: ["", "MOVED", "MOVED 1", "MOVED 1 x", "MOVED 1 x:y", "MOVED 1 x:70000", "moved 1 x:1", "ERR 1 x:1"])
    func noRedirections(text: String) {
        #expect(Redirection(text, from: RedisEndpoint(.host("10.0.0.9", port: 6379))) == nil)
    }

    @Test("Who has which slots is read, with hosts that a node does not tell")
    func owners() throws {
        func node(_ host: RedisReply, _ port: Int64) -> RedisReply {
            .array([host, .integer(port), .bytes(Array("id".utf8)), .array([])])
        }
        let a = RedisReply.bytes(Array("10.0.0.1".utf8))
        let reply = RedisReply.array([
            .array([.integer(0), .integer(99), node(a, 1), node(a, 2)]),
            .array([.integer(200), .integer(200), node(.null, 3)]),
            .array([.integer(100), .integer(199), node(a, 1)]),
        ])
        let owners = try #require(SlotOwners(reply, from: RedisEndpoint(.host("10.0.0.9", port: 6379))))
        func owner(_ slot: Int) -> String? { owners.owner(of: HashSlot(number: slot))?.description }
        #expect([0, 99, 100, 200].map(owner) == ["10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1", "10.0.0.9:3"])
        #expect(owner(201) == nil)
        #expect(owners.nodes.map(\.description) == ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.9:3"])
    }

    @Test(
        "What tells of no slots is refused",
        arguments: [
            .array([]), .error("ERR This instance has cluster support disabled"), .array([.array([])]),
            .array([.array([.integer(1), .integer(0), .array([.null, .integer(1)])])]),
            .array([.array([.integer(0), .integer(16_384), .array([.null, .integer(1)])])]),
            .array([.array([.integer(0), .integer(1), .array([.null, .integer(70_000)])])]),
        ] as [RedisReply])
    func noOwners(reply: RedisReply) {
        #expect(SlotOwners(reply, from: RedisEndpoint(.host("10.0.0.9", port: 6379))) == nil)
    }
}

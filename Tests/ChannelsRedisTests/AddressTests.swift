import Channels
import ChannelsTesting
import Testing

@testable import ChannelsRedis

@Suite("URLs of Redis")
struct AddressTests {
    @Test("Sentinels have their own port and password, and the master's name is in the path; several are shards")
    func sentinels() throws {
        let address = try Self.address(
            "redis+sentinel://ann:p%2Fw@s1,[::1]:5/main,second/3",
            ["sentinel-user": "u", "sentinel-password": "secret", "prefix": "x"])
        guard case .sentinels(let sentinels, let own, let services) = address.topology else {
            throw RegistryError("another topology")
        }
        #expect(sentinels.map(\.description) == ["s1:26379", "[::1]:5"])
        #expect(services == ["main", "second"])
        #expect(own.user == "u" && own.password == "secret")
        #expect(address.credentials.user == "ann" && address.credentials.password == "p/w")
        #expect(address.credentials.database == 3)
    }

    @Test("Nodes of a cluster are told, and a number of shards")
    func cluster() throws {
        func counts(_ url: String, _ parameters: [String: String] = [:]) throws -> [Int] {
            guard case .cluster(let seeds, let count) = try Self.address(url, parameters).topology else { return [] }
            return [seeds.count, count]
        }
        #expect(try counts("redis+cluster://a,b:7/0") == [2, 6])
        #expect(try counts("redis+cluster://:pw@a", ["shards": "64"]) == [1, 64])
    }

    @Test(
        "What is none is refused, and the error says what to change",
        arguments: [
            ("redis://", [:], "no host"), ("redis://a,a", [:], "twice"), ("redis://a/x", [:], "database"),
            ("redis://a/0/1", [:], "database"), ("redis://ann@a", [:], "user:password"),
            ("redis:a", [:], "needs a host"),
            ("redis://a", ["shards": "3"], "'shards'"), ("redis+unix:x", [:], "path of a socket"),
            ("redis+sentinel://a", [:], "name of a master"), ("redis+sentinel://a/m,m", [:], "name of a master"),
            ("redis+sentinel://a/m/x", [:], "database"), ("redis+cluster://a/1", [:], "no database but 0"),
            ("redis+cluster://a", ["shards": "65"], "from 1 to 64"),
            ("redis+cluster://a", ["shards": "x"], "from 1 to 64"),
            ("redis+cluster://a", ["sentinel-user": "x"], "'sentinel-user'"),
        ] as [(String, [String: String], String)])
    func refuses(url: String, parameters: [String: String], part: String) {
        let error = #expect(throws: RegistryError.self) { _ = try Self.address(url, parameters) }
        #expect(error?.description.contains(part) == true, "\(error.map { "\($0)" } ?? "")")
    }

    private static func address(_ url: String, _ parameters: [String: String] = [:]) throws -> RedisAddress {
        try RedisAddress(
            BackendContext(
                layer: "test", url: try BackendURL(url), parameters: parameters, settings: LayerSettings(),
                clock: ManualClock()))
    }
}

import Testing

@testable import ChannelsRedis

@Suite struct EndpointTests {
    @Test(
        "The place of a server is read, and written as it was read",
        arguments: [
            ("127.0.0.1:6379", .host("127.0.0.1", port: 6379)), ("[::1]:7000", .host("::1", port: 7000)),
            ("redis.example:1", .host("redis.example", port: 1)),
            ("/run/redis/redis.sock", .unix(path: "/run/redis/redis.sock")),
        ] as [(String, RedisEndpoint.Place)])
    func reads(text: String, place: RedisEndpoint.Place) throws {
        let endpoint = try #require(RedisEndpoint(text))
        #expect(endpoint.place == place)
        #expect(endpoint.description == text)
    }

    @Test("Without a port it is Redis's", arguments: [("redis", "redis:6379"), ("[::1]", "[::1]:6379")])
    func defaultPort(text: String, whole: String) {
        #expect(RedisEndpoint(text)?.description == whole)
    }

    @Test(
        "What is no place is refused",
        arguments: [
            "", ":6379", "redis:", "redis:0", "redis:65536", "redis:6379x", "redis:+1", "::1", "::1:6379", "[::1",
            "[]:6379", "[redis]:6379", "[127.0.0.1]:6379", "[::1]6379", "/" + String(repeating: "x", count: 107),
        ])
    func refuses(text: String) {
        #expect(RedisEndpoint(text) == nil)
    }
}

import Testing

@testable import Channels

@Suite("Settings of layers, and their URLs")
struct SettingsTests {
    @Test(
        "A star stands for any characters, a question mark for one, the rest for itself",
        arguments: [
            ("*", "", true), ("*", "anything", true), ("log.*", "log.a", true), ("log.*", "log", false),
            ("?", "x", true), ("?", "", false), ("?", "xy", false), ("a?c", "abc", true), ("*!", "inbox!", true),
            ("*!", "inbox!ann", false), ("*a*b", "xxaxxb", true), ("*a*b", "xxaxxbx", false), ("", "", true),
            ("", "x", false), ("[ab]", "[ab]", true), ("[ab]", "a", false), ("a**b", "ab", true),
            (String(repeating: "*a", count: 20) + "b", String(repeating: "a", count: 200), false),
        ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(GlobPattern(pattern).matches(name) == matches)
    }

    @Test(
        "Seconds are digits with an optional fraction",
        arguments: [
            ("0", .zero), ("30", .seconds(30)), ("0.25", .milliseconds(250)), ("1000000000", .seconds(1_000_000_000)),
            ("1000000000.0", .seconds(1_000_000_000)), ("0.000000001", .nanoseconds(1)),
            ("0.0000000019", .nanoseconds(1)),
            ("007", .seconds(7)),
        ] as [(String, Duration)])
    func seconds(text: String, duration: Duration) {
        #expect(Duration(secondsText: text.utf8) == duration)
    }

    @Test(
        "Anything else is no number of seconds",
        arguments: [
            "", ".5", "5.", "-1", "+1", "1e3", "1000000001", "1000000000.1", "99999999999999999999", " 1", "1 ", "0x1",
            "inf", "1.2.3", "1,5",
        ])
    func noSeconds(text: String) {
        #expect(Duration(secondsText: text.utf8) == nil)
    }

    @Test("The first capacity whose pattern matches the queue's name counts")
    func capacities() throws {
        var settings = LayerSettings()
        settings.capacity = 7
        settings.channelCapacities = try ["log.*=5000", "log.x=1", "a=b=3"].map { try .init(text: $0) }
        #expect(try settings.capacity(of: ChannelName("log.x")) == 5000)
        #expect(try settings.capacity(of: ChannelName("a=b")) == 3)
        #expect(try settings.capacity(of: ChannelName("other")) == 7)
    }

    @Test("What is no capacity is refused", arguments: ["x", "=3", "x=", "x=0", "x=-1", "x=+5", "x=many"])
    func noCapacity(text: String) {
        #expect(throws: RegistryError.self) { try LayerSettings.ChannelCapacity(text: text) }
    }

    @Test(
        "Bytes are digits, plain or with a binary unit",
        arguments: [
            ("1", 1), ("64MiB", 64 << 20), ("2GiB", 2 << 30), ("3KiB", 3 << 10), ("", nil), ("+1", nil), ("1MB", nil),
            ("MiB", nil), ("1.5MiB", nil), ("99999999999GiB", nil),
        ] as [(String, Int?)])
    func bytes(text: String, bytes: Int?) {
        #expect(Int(bytesText: text) == bytes)
    }

    @Test("A layer's own settings win over those of all: its capacity over all patterns, its patterns over others")
    func ownSettings() throws {
        var defaults = LayerSettings()
        defaults.channelCapacities = [try .init(text: "log.*=10")]
        var plain = defaults
        _ = try plain.apply(BackendURL("memory:?memory-limit=1MiB&channel-capacity=a%3D3").parameters, layer: "l")
        #expect(plain.memoryBytesMax == 1 << 20)
        #expect(try plain.capacity(of: ChannelName("a")) == 3)
        #expect(try plain.capacity(of: ChannelName("log.x")) == 10)
        var own = defaults
        _ = try own.apply(BackendURL("memory:?capacity=5000").parameters, layer: "l")
        #expect(try own.capacity(of: ChannelName("log.x")) == 5000)
    }

    @Test("A backend URL is a scheme, a location and settings")
    func urls() throws {
        let url = try BackendURL("SQLite:jobs.db?capacity=5000&channel-capacity=a%26b%3D*%3D1")
        #expect(url.scheme == "sqlite")
        #expect(url.location == "jobs.db")
        #expect(url.parameters.map(\.name) == ["capacity", "channel-capacity"])
        #expect(url.parameters.map(\.value) == ["5000", "a&b=*=1"])
        #expect(try BackendURL("redis://h:1/0").location == "//h:1/0")
    }

    @Test(
        "What is no backend URL is refused",
        arguments: ["", "memory", ":x", "memory:?x", "memory:?a=%", "memory:?a=%zz"])
    func noURL(text: String) {
        #expect(throws: RegistryError.self) { try BackendURL(text) }
    }
}

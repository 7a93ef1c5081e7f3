import Channels
import ChannelsHTTP
import ChannelsMemory
import ChannelsReference
import ChannelsTesting
import Foundation
import HTTPCore
import Synchronization
import Testing

@Suite("/receive")
struct ReceiveTests {
    @Test("Nothing there answers 204, and no answer is to be stored")
    func nothing() async {
        let api = await APIDriver()
        for answer in [
            await api.request("GET", "/receive?channels=a"), await api.request("POST", "/receive?channels=a"),
            await api.request("POST", "/receive", body: #"{"channels":["a"]}"#),
            await api.request("GET", "/receive"), await api.request("HEAD", "/receive"),
            await api.request("PUT", "/receive"), await api.request("OPTIONS", "/receive"),
        ] {
            #expect(answer["Cache-Control"] == "no-store")
        }
        #expect(await api.request("GET", "/receive?channels=a").status == 204)
    }

    @Test("One delivery says channel, id and, where it came by one, the group")
    func delivery() async {
        let api = await APIDriver()
        let sent = await api.request("POST", "/channels/a", body: "1")
        let answer = await api.request("GET", "/receive?channels=b,a")
        #expect(answer.status == 200)
        #expect(answer.text == #"{"channel":"a","id":"\#(sent.json["id"]?.string ?? "")","message":1}"#)
        _ = await api.request("PUT", "/groups/g/a")
        let toGroup = await api.request("POST", "/groups/g", body: "2")
        let copy = await api.request("GET", "/receive?channels=a")
        #expect(copy.text == #"{"channel":"a","id":"\#(toGroup.json["id"]?.string ?? "")","group":"g","message":2}"#)
    }

    @Test("With max come all that are there, oldest first")
    func several() async {
        let api = await APIDriver()
        for number in 0..<5 {
            _ = await api.request("POST", "/channels/\(number % 2 == 0 ? "a" : "b")", body: "\(number)")
        }
        let answer = await api.request("GET", "/receive?channels=a,b&max=4")
        #expect(answer.json["messages"]?.array?.map { $0["message"] } == [0, 1, 2, 3])
        let rest = await api.request("POST", "/receive", body: #"{"channels":["a","b"],"max":1000}"#)
        #expect(rest.json["messages"]?.array?.count == 1)
        #expect(await api.request("GET", "/receive?channels=a&max=1").status == 204)
    }

    @Test(
        "Text in UTF-8 comes as a string, other bytes as base64",
        arguments: [
            ("text/plain", Array("hé\n".utf8), #""message":"hé\n","contentType":"text/plain"}"#),
            (
                "text/plain; charset=UTF-8", Array("é".utf8),
                #""message":"é","contentType":"text/plain; charset=UTF-8"}"#
            ),
            (
                "text/html;charset=\"utf-8\"", Array("<".utf8),
                #""message":"<","contentType":"text/html;charset=\"utf-8\""}"#
            ),
            (
                "text/plain; charset=latin1", [0xE9],
                #""message":"6Q==","contentType":"text/plain; charset=latin1","encoding":"base64"}"#
            ),
            (
                "text/plain; charset=latin1", [0x61],
                #""message":"YQ==","contentType":"text/plain; charset=latin1","encoding":"base64"}"#
            ),
            (
                "text/plain; charset=us-ascii", [0xC3, 0xA9],
                #""message":"w6k=","contentType":"text/plain; charset=us-ascii","encoding":"base64"}"#
            ),
            (
                "text/plain; charset=US-ASCII", [0x61],
                #""message":"a","contentType":"text/plain; charset=US-ASCII"}"#
            ),
            ("text/plain", [0xE9], #""message":"6Q==","contentType":"text/plain","encoding":"base64"}"#),
            ("image/png", [0x89, 0x50], #""message":"iVA=","contentType":"image/png","encoding":"base64"}"#),
            (
                "application/octet-stream", [],
                #""message":"","contentType":"application/octet-stream","encoding":"base64"}"#
            ),
            ("text/plain", [], #""message":"","contentType":"text/plain"}"#),
        ])
    func otherTypes(type: String, body: [UInt8], expected: String) async {
        let api = await APIDriver()
        #expect(await api.request("POST", "/channels/a", [("Content-Type", type)], body: body).status == 202)
        let answer = await api.request("GET", "/receive?channels=a")
        #expect(answer.text.hasSuffix(expected))
        _ = await api.request("POST", "/channels/a", [("Content-Type", type)], body: body)
        let bare = await api.request("POST", "/receive?channels=a", [("Accept", "application/octet-stream")])
        #expect(bare.body == body && bare["Content-Type"] == type)
    }

    @Test("Large payloads are the very bytes, in whatever form they leave", arguments: [4096, 4097, 65_536, 300_001])
    func large(byteCount: Int) async throws {
        let api = await APIDriver()
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let text = String(repeating: "line\n", count: byteCount / 5)
        _ = await api.request("POST", "/channels/a", [("Content-Type", "image/png")], body: bytes)
        _ = await api.request("POST", "/channels/a", [("Content-Type", "text/plain")], body: text)
        _ = await api.request("POST", "/channels/a", body: "[\"\(String(repeating: "x", count: byteCount))\"]")
        let answer = await api.request("GET", "/receive?channels=a&max=3")
        let messages = try #require(answer.json["messages"]?.array)
        #expect(messages[0]["message"]?.string == Data(bytes).base64EncodedString())
        #expect(messages[1]["message"]?.string == text)
        #expect(messages[2]["message"]?[0]?.string?.utf8.count == byteCount)
    }

    @Test("A large JSON message is written from where it is stored")
    func sharedPayload() async {
        let api = await APIDriver()
        let message = Array("\"\(String(repeating: "x", count: 10_000))\"".utf8)
        _ = await api.request("POST", "/channels/a", body: message)
        let answer = await api.request("GET", "/receive?channels=a")
        guard case .pieces(let pieces) = answer.response.content, pieces.count == 3, case .bytes(let stored) = pieces[1]
        else {
            Issue.record("is not glue, payload, glue")
            return
        }
        #expect(stored == message)
    }

    @Test("Bare bytes have their names beside them")
    func bareBytes() async {
        let api = await APIDriver()
        _ = await api.request("PUT", "/groups/a%2Fg%25/in%20box!ann")
        let sent = await api.request("POST", "/groups/a%2Fg%25", [("Content-Type", "image/png")], body: [1, 2, 3])
        let answer = await api.request("GET", "/receive?channels=in+box!", [("Accept", "application/octet-stream")])
        #expect(answer.status == 200 && answer.body == [1, 2, 3] && answer["Content-Type"] == "image/png")
        #expect(answer["Laurel-Channel"] == "in%20box%21ann" && answer["Laurel-Group"] == "a%2Fg%25")
        #expect(answer["Laurel-Id"] == sent.json["id"]?.string)
    }

    @Test("Bare bytes of several messages there are none")
    func bareBytesOfSeveral() async {
        let api = await APIDriver()
        let bytes = [("Accept", "application/octet-stream")]
        for answer in [
            await api.request("GET", "/receive?channels=a&max=2", bytes),
            await api.request("POST", "/receive", bytes, body: Array(#"{"channels":["a"],"max":2}"#.utf8)),
        ] {
            #expect(answer.status == 406 && answer.problem == "not-acceptable")
        }
        let both = await api.request(
            "GET", "/receive?channels=a&max=2", [("Accept", "application/octet-stream, */*;q=0.1")])
        #expect(both.status == 204)
        for accept in ["*/*", "application/json", "text/html"] {
            _ = await api.request("POST", "/channels/a", body: "1")
            let answer = await api.request("GET", "/receive?channels=a", [("Accept", accept)])
            #expect(answer["Content-Type"] == "application/json")
        }
    }

    @Test("Where query and content both say something, the content wins")
    func contentWins() async {
        let api = await APIDriver()
        for name in ["a", "b"] {
            for _ in 0..<3 { _ = await api.request("POST", "/channels/\(name)", body: "\"\(name)\"") }
        }
        let both = await api.request("POST", "/receive?channels=a&max=1", body: #"{"channels":["b"],"max":2}"#)
        #expect(both.json["messages"]?.array?.map { $0["channel"] } == ["b", "b"])
        let mixed = await api.request("POST", "/receive?channels=a&max=2", body: #"{"max":null,"channels":null}"#)
        #expect(mixed.json["messages"]?.array?.map { $0["channel"] } == ["a", "a"])
        let query = await api.request("POST", "/receive?channel=a", [("Content-Type", "text/plain")])
        #expect(query.json["channel"] == "a")
    }

    @Test("A content that is not JSON by its type is refused")
    func contentType() async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/receive", [("Content-Type", "text/plain")], body: Array("a".utf8))
        #expect(answer.status == 415 && answer.problem == "unsupported-media-type")
        let form = await api.request(
            "POST", "/receive", [("Content-Type", "application/x-www-form-urlencoded")],
            body: Array(#"{"channels":["a"]}"#.utf8))
        #expect(form.status == 204)
    }

    @Test("HEAD takes no message")
    func head() async {
        let api = await APIDriver()
        _ = await api.request("POST", "/channels/a", body: "1")
        let answer = await api.request("HEAD", "/receive?channels=a")
        #expect(
            answer.status == 405 && answer["Allow"]?.contains("HEAD") == false
                && answer["Allow"]?.contains("GET") == true)
        #expect(await api.request("GET", "/channels/a").json["pending"] == 1)
    }

    // MARK: Waiting

    @Test("A receiver waits for its message, and only while it waits it says so", arguments: [true, false])
    func waits(isImmediate: Bool) async {
        let clock = ManualClock()
        let backend = MemoryBackend(clock: clock, epoch: 1)
        let api = await APIDriver(
            layers: ["default": isImmediate ? backend : SuspendingBackend(base: backend)], clock: clock)
        let exchange = TestExchange()
        async let answer = api.request("GET", "/receive?channels=a&timeout=30", exchange: exchange)
        await api.untilWaiting(1)
        #expect(exchange.isWaiting)
        #expect(await api.request("POST", "/channels/a", body: "1").json["pending"] == 0)
        #expect(await answer.json["message"] == 1)
        // Of a wait without a task it is the server that says so.
        if !isImmediate { #expect(exchange.history == [true, false]) }
        let atOnce = TestExchange()
        _ = await api.request("GET", "/receive?channels=a", exchange: atOnce)
        #expect(atOnce.history.isEmpty)
    }

    @Test("A store that waits itself is asked once: to wait, whether something is there or not")
    func askedOnce() async {
        let clock = ManualClock()
        let backend = NotingBackend(base: MemoryBackend(clock: clock, epoch: 1))
        let api = await APIDriver(layers: ["default": backend], clock: clock)
        _ = await api.request("POST", "/channels/a", body: "1")
        let exchange = TestExchange()
        #expect(await api.request("GET", "/receive?channels=a&timeout=30", exchange: exchange).json["message"] == 1)
        #expect(exchange.history == [true, false], "it counts as waiting from the beginning")
        async let answer = api.request("GET", "/receive?channels=a&timeout=30")
        await api.untilWaiting(1)
        _ = await api.request("POST", "/channels/a", body: "2")
        #expect(await answer.json["message"] == 2)
        #expect(backend.asked == ["may wait", "may wait"])
        _ = await api.request("GET", "/receive?channels=a&timeout=0")
        #expect(backend.asked.last == "at once")
    }

    @Test(
        "Of a store that cannot wait, what was there goes back where it can, should the client have left meanwhile",
        arguments: [true, false])
    func askedTwice(givesBack: Bool) async {
        let clock = ManualClock()
        let backend = ModestBackend(base: MemoryBackend(clock: clock, epoch: 1), givesBack: givesBack)
        let api = await APIDriver(layers: ["default": backend], clock: clock)
        _ = await api.request("POST", "/channels/a", body: "1")
        let exchange = TestExchange()
        let answer = await api.request("GET", "/receive?channels=a&timeout=30", exchange: exchange)
        #expect(answer.json["message"] == 1)
        // To have been waiting makes the server look for the client before it writes.
        #expect(exchange.history.contains(true) == givesBack && !exchange.isWaiting)
        #expect((answer.response.onUnsent != nil) == givesBack)
    }

    @Test(
        "A receiver is answered when its time is up",
        arguments: [
            ("&timeout=2", nil, nil), ("&timeout=2", "wait=10", nil), ("", "wait=2", "wait=2"),
            ("", "respond-async, Wait=2", "wait=2"),
            ("&timeout=400", nil, "wait=3"), ("", "wait=400", "wait=3"), ("&timeout=1000000000", "wait=1", "wait=3"),
        ])
    func timeLimit(parameter: String, prefer: String?, applied: String?) async {
        let api = await APIDriver { $0.waitMax = .seconds(3) }
        async let answer = api.request("GET", "/receive?channels=a\(parameter)", prefer.map { [("Prefer", $0)] } ?? [])
        await api.untilWaiting(1)
        api.clock.advance(by: .milliseconds(1900))
        #expect(await api.request("GET", "/stats").json["waiting"] == 1)
        api.clock.advance(by: .milliseconds(1200))
        let ended = await answer
        #expect(ended.status == 204 && ended["Preference-Applied"] == applied)
    }

    @Test("The parameter wins over the header, also where it is 0")
    func timeoutZero() async {
        let api = await APIDriver()
        let answer = await api.request("GET", "/receive?channels=a&timeout=0", [("Prefer", "wait=30")])
        #expect(answer.status == 204 && answer["Preference-Applied"] == nil)
        for ignored in ["wait=x", "wait", "foo=1"] {
            #expect(await api.request("GET", "/receive?channels=a", [("Prefer", ignored)]).status == 204)
        }
    }

    @Test("A wait that is cancelled answers 503 and has taken nothing", arguments: [true, false])
    func cancelled(isImmediate: Bool) async {
        let clock = ManualClock()
        let backend = MemoryBackend(clock: clock, epoch: 1)
        let api = await APIDriver(
            layers: ["default": isImmediate ? backend : SuspendingBackend(base: backend)], clock: clock)
        let wait = Task { await api.request("GET", "/receive?channels=a&timeout=30") }
        await api.untilWaiting(1)
        wait.cancel()
        let answer = await wait.value
        #expect(answer.status == 503 && answer.problem == "shutting-down" && answer["Retry-After"] != nil)
        #expect(await api.request("POST", "/channels/a", body: "1").json["pending"] == 1)
    }

    @Test("An answer of which no byte was written gives its messages back, in order")
    func givesBack() async throws {
        let api = await APIDriver()
        for number in 1...3 { _ = await api.request("POST", "/channels/a", body: "\(number)") }
        let unsent = await api.request("GET", "/receive?channels=a&max=2")
        let tellUnsent = try #require(unsent.response.onUnsent)
        await tellUnsent()
        let again = await api.request("GET", "/receive?channels=a&max=9")
        #expect(again.json["messages"]?.array?.map { $0["message"] } == [1, 2, 3])
        #expect(await api.request("GET", "/receive?channels=a").status == 204)
    }

    @Test("Together the messages stay within the limit of one, but the first always fits")
    func contentLimit() async {
        let api = await APIDriver { $0.messageBytesMax = 10 }
        for _ in 0..<3 { _ = await api.request("POST", "/channels/a", body: "12345") }
        #expect(await api.request("GET", "/receive?channels=a&max=3").json["messages"]?.array?.count == 2)
    }
}

/// The same backend, as one that does not answer at once.
private struct SuspendingBackend: WrappingBackend {
    let base: any WaitingChannelBackend
}

/// Notes how it is asked for messages.
private final class NotingBackend: WrappingBackend {
    let base: any WaitingChannelBackend
    private let notes = Mutex<[String]>([])

    init(base: any WaitingChannelBackend) { self.base = base }

    var asked: [String] { notes.withLock { $0 } }

    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        notes.withLock { $0.append("at once") }
        return try await base.receiveMany(channels, options: options)
    }
    func receiveManyBlocking(
        _ channels: [ChannelName], options: ReceiveOptions, until deadline: ContinuousClock.Instant
    ) async throws -> [Delivery] {
        notes.withLock { $0.append("may wait") }
        return try await base.receiveManyBlocking(channels, options: options, until: deadline)
    }
}

/// The same backend, as one that cannot wait.
private struct ModestBackend: ChannelBackend {
    let base: MemoryBackend
    let givesBack: Bool

    var traits: BackendTraits { BackendTraits(givesBack: givesBack, neverBlocks: true) }

    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt {
        try await base.send(message, to: channel, options: options)
    }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] {
        try await base.receiveMany(channels, options: options)
    }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {
        try await base.groupAdd(channel, to: group, options: options)
    }
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {
        try await base.groupDiscard(channel, from: group)
    }
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        try await base.groupMembers(group, options: options)
    }
    func giveBack(_ deliveries: [Delivery]) async -> Int { await base.giveBack(deliveries) }
}

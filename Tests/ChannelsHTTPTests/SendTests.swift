import Channels
import ChannelsHTTP
import ChannelsTesting
import HTTPCore
import Testing

@Suite("POST /channels/{channel}")
struct SendTests {
    @Test("An accepted send says its id and how full the queue is")
    func accepted() async {
        let api = await APIDriver()
        let first = await api.request("POST", "/channels/a", body: #"{"n":1}"#)
        let second = await api.request("POST", "/channels/a", body: "2")
        #expect(first.status == 202 && second.status == 202)
        #expect(first["Content-Type"] == "application/json")
        #expect(second.json["pending"] == 2 && second.json["capacity"] == 100)
        let ids = [first, second].compactMap { $0.json["id"]?.string }
        #expect(ids.count == 2 && ids[0].utf8.count == ids[1].utf8.count && ids[0] < ids[1])
    }

    @Test(
        "JSON is delivered byte for byte",
        arguments: [
            "9007199254740993", "-0.0", "1E400", #""\ud800""#, #"{"b":1,"a":2,"b":3}"#, " [ 1 ,\n2 ] ", #""\u0041\/""#,
            "null",
            "0.1000", "\"\u{2028}\"", "\t{}\r\n", #"{"message":{"message":null}}"#,
        ])
    func byteForByte(message: String) async {
        let api = await APIDriver()
        #expect(await api.request("POST", "/channels/a", body: message).status == 202)
        let answer = await api.request("GET", "/receive?channels=a", checksContent: false)
        #expect(answer.text.contains("\"message\":\(message)}"))
        #expect(await api.request("POST", "/channels/a", body: message).status == 202)
        let bare = await api.request("GET", "/receive?channels=a", [("Accept", "application/octet-stream")])
        #expect(bare.text == message && bare["Content-Type"] == "application/json")
    }

    @Test(
        "What is not JSON is refused where it goes wrong",
        arguments: [
            ("", 0), ("{", 1), ("hello", 0), ("{\"a\":01}", 6), ("\u{FEFF}1", 0), ("[1]x", 3),
        ])
    func notJSON(body: String, offset: Int) async {
        let api = await APIDriver()
        for type in [
            nil, "application/json", "application/x-www-form-urlencoded", "application/problem+json",
            "Application/JSON; charset=utf-8",
        ] {
            let answer = await api.request("POST", "/channels/a", type.map { [("Content-Type", $0)] } ?? [], body: body)
            #expect(answer.status == 400 && answer.problem == "invalid-json")
            #expect(answer.json["offset"] == .integer(offset))
        }
        #expect(await api.request("GET", "/channels/a").json["sent"] == 0)
    }

    @Test("A request without content is no JSON, but an opaque message")
    func noContent() async {
        let api = await APIDriver()
        #expect(await api.request("POST", "/channels/a").problem == "invalid-json")
        #expect(await api.request("POST", "/channels/a", [("Content-Type", "text/plain")]).status == 202)
        let answer = await api.request("GET", "/receive?channels=a")
        #expect(answer.json["message"] == "" && answer.json["contentType"] == "text/plain")
    }

    @Test("A type that ends in +json is delivered as JSON, with its type")
    func jsonSuffix() async {
        let api = await APIDriver()
        let type = "application/vnd.resize+json; v=1"
        #expect(await api.request("POST", "/channels/a", [("Content-Type", type)], body: #"{"n":1}"#).status == 202)
        let answer = await api.request("GET", "/receive?channels=a")
        #expect(answer.text.contains(#""message":{"n":1},"contentType":"application/vnd.resize+json; v=1"}"#))
    }

    @Test(
        "A Content-Type that is none, or that is given twice, is refused",
        arguments: [
            [("Content-Type", "garbage")], [("Content-Type", "text/")],
            [("Content-Type", "text/plain"), ("Content-Type", "text/plain")],
            [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        ])
    func badContentType(fields: [(String, String)]) async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/channels/a", fields, body: "1")
        #expect(answer.status == 415 && answer.problem == "unsupported-media-type")
    }

    @Test("A full channel answers 429 with its limit, and when to try again")
    func full() async {
        let api = await APIDriver()
        for _ in 0..<100 { #expect(await api.request("POST", "/channels/a", body: "1").status == 202) }
        let answer = await api.request("POST", "/channels/a", body: "1")
        #expect(answer.status == 429 && answer.problem == "channel-full" && answer["Retry-After"] == "1")
        #expect(answer.json["limit"] == 100 && answer.json["actual"] == 100)
    }

    @Test("A message waits for its expiry and no longer")
    func expiry() async {
        let api = await APIDriver()
        _ = await api.request("POST", "/channels/a?expiry=0.25", body: "1")
        api.clock.advance(by: .milliseconds(251))
        #expect(await api.request("GET", "/receive?channels=a").status == 204)
        _ = await api.request("POST", "/channels/a?expiry=0.25", body: "2")
        api.clock.advance(by: .milliseconds(249))
        #expect(await api.request("GET", "/receive?channels=a").json["message"] == 2)
    }

    @Test("A content over the limit is refused by its head")
    func tooLarge() async {
        let api = await APIDriver { $0.messageBytesMax = 5_000_000 }
        guard
            case .refused(let response) = api.application.admit(
                APIDriver.head("POST", "/channels/a", bodyBytes: 5_000_001))
        else {
            Issue.record("was let in")
            return
        }
        let answer = Answer(response)
        #expect(answer.status == 413 && answer.problem == "message-too-large")
        #expect(answer.json["limit"] == 5_000_000 && answer.json["actual"] == 5_000_001)
    }

    @Test("A message goes to the layer of the path, and to no other")
    func layers() async {
        let api = await APIDriver()
        #expect(await api.request("POST", "/layers/jobs/channels/a", body: "1").status == 202)
        #expect(await api.request("GET", "/receive?channels=a").status == 204)
        #expect(await api.request("GET", "/layers/default/receive?channels=a").status == 204)
        #expect(await api.request("GET", "/layers/jobs/receive?channels=a").status == 200)
        let unknown = await api.request("POST", "/layers/nope/channels/a", body: "1")
        #expect(unknown.status == 404 && unknown.problem == "not-found")
        #expect(unknown.json["detail"]?.string?.contains("default, jobs") == true)
    }

    @Test("A new channel's name cannot be guessed, and its location is its path")
    func newChannel() async {
        let api = await APIDriver()
        var names: Set<String> = []
        for body in [nil, "", "{}", #"{"prefix":null}"#, #"{"_":1}"#] {
            let answer = await api.request("POST", "/channels", body: body.map { Array($0.utf8) })
            #expect(answer.status == 201)
            let name = answer.json["channel"]?.string ?? ""
            #expect(name.count == 32 && answer["Location"] == "/channels/\(name)")
            names.insert(name)
        }
        #expect(names.count == 5)
        let prefixed = await api.request("POST", "/layers/jobs/channels", body: #"{"prefix":"re/ply!"}"#)
        let name = prefixed.json["channel"]?.string ?? ""
        #expect(name.hasPrefix("re/ply!") && name.count == 7 + 32)
        #expect(prefixed["Location"] == "/layers/jobs/channels/re%2Fply%21\(name.dropFirst(7))")
        let sent = await api.request("POST", prefixed["Location"] ?? "", body: "1")
        #expect(sent.status == 202)
    }

    @Test(
        "A prefix that leads to no name is refused",
        arguments: [
            (String(repeating: "x", count: 169), "invalid-name"), ("é", "invalid-name"), ("\\u0000", "invalid-name"),
        ])
    func badPrefix(prefix: String, problem: String) async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/channels", body: "{\"prefix\":\"\(prefix)\"}")
        #expect(answer.status == 400 && answer.problem == problem)
        let longest = String(repeating: "x", count: 168)
        #expect(await api.request("POST", "/channels", body: "{\"prefix\":\"\(longest)\"}").status == 201)
    }
}

import Channels
import Testing

@Suite("POST /batch")
struct BatchTests {
    private static let lines = [("Content-Type", "application/x-ndjson")]

    @Test("Entries are done in order, each on its own")
    func inOrder() async {
        let api = await APIDriver()
        _ = await api.request("PUT", "/groups/g/a")
        _ = await api.request("PUT", "/groups/g/b")
        let answer = await api.request(
            "POST", "/batch",
            body: """
                [{"channel":"a","message":1},{"group":"g","message":2,"exclude":["b"]},{"channel":"","message":3},
                 {"channel":"a","message":4,"expiry":0.5}, 5, {"channel":"a"}, {"channel":"a","message":null}]
                """)
        let results = answer.json["results"]?.array ?? []
        #expect(answer.status == 200 && results.map { $0["status"] } == [202, 202, 400, 202, 400, 400, 202])
        #expect(
            results[0]["pending"] == 1 && results[1]["members"] == 1 && results[2]["type"] == "/problems/invalid-name")
        #expect(
            results[4]["type"] == "/problems/invalid-parameter" && results[5]["type"] == "/problems/invalid-parameter")
        let received = await api.request("GET", "/receive?channels=a&max=10")
        #expect(received.json["messages"]?.array?.map { $0["message"] } == [1, 2, 4, .null])
    }

    @Test(
        "A message in a batch is taken out byte for byte",
        arguments: [
            "9007199254740993", "-0.0", #""\ud800\u0041""#, #"{"b":1, "a" : [ 1 ]}"#, "1E400", "\"\u{2028}é\"", "[]",
        ])
    func byteForByte(message: String) async {
        let api = await APIDriver()
        let entry = #" { "message" :  \#(message) , "channel":"a" } "#
        let array = await api.request("POST", "/batch", body: "[\(entry)]")
        let lines = await api.request("POST", "/batch", Self.lines, body: "\(entry)\n\(entry)\r\n")
        #expect([array, lines].flatMap { $0.json["results"]?.array ?? [] }.map { $0["status"] } == [202, 202, 202])
        for _ in 0..<3 {
            let answer = await api.request("GET", "/receive?channels=a", [("Accept", "application/octet-stream")])
            #expect(answer.text == message)
        }
    }

    @Test("A message may be as deep in a batch as alone")
    func depth() async {
        let api = await APIDriver()
        func entry(_ depth: Int) -> String {
            #"{"channel":"a","message":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                + "}"
        }
        let deep = await api.request("POST", "/batch", Self.lines, body: "\(entry(512))\n\(entry(513))")
        #expect(deep.json["results"]?.array?.map { $0["status"] } == [202, 400])
        #expect(await api.request("POST", "/batch", body: "[\(entry(512))]").json["results"]?[0]?["status"] == 202)
    }

    @Test(
        "An array that is no JSON refuses the whole batch, and nothing was done",
        arguments: [
            #"[{"channel":"a","message":1},{"channel":"a","message":}]"#, "", "[", #"[{"channel":"a","message":1}] x"#,
        ])
    func brokenArray(body: String) async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/batch", body: body)
        #expect(answer.status == 400 && answer.problem == "invalid-json")
        #expect(await api.request("GET", "/channels/a").json["sent"] == 0)
    }

    @Test("A line that is no JSON is a problem of its own, at its place in the content")
    func brokenLine() async {
        let api = await APIDriver()
        let body = "{\"channel\":\"a\",\"message\":1}\n{\"channel\":}\n\n  \r\n{\"channel\":\"a\",\"message\":2}"
        let answer = await api.request("POST", "/batch", Self.lines, body: body)
        let results = answer.json["results"]?.array ?? []
        #expect(results.map { $0["status"] } == [202, 400, 202])
        #expect(results[1]["type"] == "/problems/invalid-json" && results[1]["offset"] == 39)
        #expect(await api.request("POST", "/batch", Self.lines, body: "").json["results"] == [])
    }

    @Test(
        "What an entry cannot be is said in its result",
        arguments: [
            "{}", #"{"message":1}"#, #"{"channel":"a","group":"g","message":1}"#,
            #"{"channel":"a","message":1,"exclude":[]}"#,
            #"{"channel":1,"message":1}"#, #"{"channel":"a","message":1,"expiry":"5"}"#,
            #"{"channel":"a","message":1,"expiry":-1}"#,
            #"{"channel":"a","message":1,"mesage":1}"#, #"{"channel":"a","message":1,"message":2}"#, "[]", "null",
            #"{"channel":"a","message":1,"channel":"b"}"#, #"{"group":"g","message":1,"exclude":"ann"}"#,
            #"{"group":"g","message":1,"exclude":[1]}"#, #"{"channel":"a","message":1,"expiry":1e3}"#,
        ])
    func badEntries(entry: String) async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/batch", body: "[\(entry)]")
        #expect(answer.json["results"]?[0]?["type"] == "/problems/invalid-parameter")
    }

    @Test("Members that begin with _ are passed over, and null is not given")
    func ignoredMembers() async {
        let api = await APIDriver()
        let body = #"[{"channel":"a","group":null,"exclude":null,"expiry":null,"message":1,"_note":{"x":1},"_note":2}]"#
        #expect(await api.request("POST", "/batch", body: body).json["results"]?[0]?["status"] == 202)
    }

    @Test("1,000 entries are done, of 1,001 none")
    func limit() async {
        let api = await APIDriver()
        func entries(_ count: Int) -> String {
            "[" + (0..<count).map { #"{"channel":"\#($0)","message":\#($0)}"# }.joined(separator: ",") + "]"
        }
        let tooMany = await api.request("POST", "/batch", body: entries(1001))
        #expect(tooMany.status == 400 && tooMany.problem == "invalid-parameter" && tooMany.json["limit"] == 1000)
        #expect(await api.request("GET", "/stats").json["sent"] == 0)
        #expect(await api.request("POST", "/batch", body: entries(1000)).json["results"]?.array?.count == 1000)
    }

    @Test("A full channel is a result of its own")
    func full() async {
        let api = await APIDriver()
        let entries = (0..<102).map { #"{"channel":"a","message":\#($0)}"# }.joined(separator: ",")
        let results = await api.request("POST", "/batch", body: "[\(entries)]").json["results"]?.array ?? []
        #expect(
            results.prefix(100).allSatisfy { $0["status"] == 202 }
                && results.suffix(2).allSatisfy { $0["status"] == 429 })
    }

    @Test("Other content types are refused")
    func contentType() async {
        let api = await APIDriver()
        let answer = await api.request("POST", "/batch", [("Content-Type", "text/csv")], body: Array("a".utf8))
        #expect(answer.status == 415 && answer.json["detail"]?.string?.contains("x-ndjson") == true)
        #expect(
            await api.request(
                "POST", "/batch", [("Content-Type", "application/x-www-form-urlencoded")], body: Array("[]".utf8)
            ).status == 200)
    }

    @Test("A send for which the backend has no result is answered outcome-unknown; a result too many is nobody's")
    func missingResults() async {
        for (count, expected) in [
            (0, ["outcome-unknown", "outcome-unknown"]), (1, ["202", "outcome-unknown"]), (3, ["202", "202"]),
        ] {
            let api = await APIDriver(layers: ["default": Miscounting(resultCount: count)])
            let answer = await api.request(
                "POST", "/batch", body: #"[{"channel":"a","message":1},{},{"channel":"a","message":2}]"#)
            let results = answer.json["results"]?.array ?? []
            #expect(results.count == 3 && results.dropFirst().first?["type"] == "/problems/invalid-parameter")
            for (result, expected) in zip([results.first, results.last], expected) {
                #expect(expected == "202" ? result?["status"] == 202 : result?["type"] == "/problems/outcome-unknown")
            }
        }
    }
}

/// Has so many results for each batch, whatever is in it.
private struct Miscounting: BatchingChannelBackend {
    let resultCount: Int
    let receipt = SendReceipt(id: MessageID(epoch: 1, number: 1), pending: 1, capacity: 100)

    func sendEach(_ sends: [BatchedSend]) async -> [Result<BatchedReceipt, any Error>] {
        Array(repeating: .success(.channel(receipt)), count: resultCount)
    }
    func send(_ message: Message, to channel: ChannelName, options: SendOptions) async throws -> SendReceipt { receipt }
    func receiveMany(_ channels: [ChannelName], options: ReceiveOptions) async throws -> [Delivery] { [] }
    func groupAdd(_ channel: ChannelName, to group: GroupName, options: GroupAddOptions) async throws {}
    func groupDiscard(_ channel: ChannelName, from group: GroupName) async throws {}
    func groupMembers(_ group: GroupName, options: GroupMembersOptions) async throws -> GroupMembersPage {
        GroupMembersPage(channels: [], hasMore: false)
    }
}

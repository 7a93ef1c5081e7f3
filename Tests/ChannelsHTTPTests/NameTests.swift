import Channels
import HTTPCore
import Testing

@Suite("Names")
struct NameTests {
    @Test("Every printable character may be in a name, in path, query and content alike", arguments: UInt8(0x20)...0x7E)
    func everyCharacter(byte: UInt8) async {
        let api = await APIDriver()
        let name = "x" + String(UnicodeScalar(byte))
        let encoded = PercentEncoding.encode(name)
        #expect(await api.request("POST", "/channels/\(encoded)", body: "1").status == 202)
        #expect(await api.request("GET", "/receive?channel=\(encoded)").json["channel"] == .string(name))
        let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let batch = await api.request("POST", "/batch", body: "[{\"channel\":\"\(escaped)\",\"message\":1}]")
        #expect(batch.json["results"]?[0]?["status"] == 202)
        let received = await api.request("POST", "/receive", body: "{\"channels\":[\"\(escaped)\"]}")
        #expect(received.json["channel"] == .string(name))
        #expect(await api.request("PUT", "/groups/\(encoded)/\(encoded)").status == 204)
        #expect(await api.request("GET", "/groups/\(encoded)").json["channels"] == [.string(name)])
    }

    @Test(
        "What is no name is refused",
        arguments: [
            "%00", "%0A", "%7F", "%80", "%C3%A9", "%E2%82%AC", "%FF", "a%", "a%2", "a%zz", "%1F",
            String(repeating: "x", count: 201),
        ])
    func badNames(segment: String) async {
        let api = await APIDriver()
        for (method, path) in [
            ("POST", "/channels/\(segment)"), ("GET", "/channels/\(segment)"), ("DELETE", "/channels/\(segment)"),
            ("PUT", "/groups/\(segment)/a"), ("PUT", "/groups/g/\(segment)"), ("GET", "/groups/\(segment)"),
            ("POST", "/groups/\(segment)"), ("DELETE", "/groups/g/\(segment)"),
        ] {
            let answer = await api.request(method, path, body: "1")
            #expect(answer.status == 400 && answer.problem == "invalid-name", "\(method) \(path)")
        }
        let isEncoded = !["a%", "a%2", "a%zz"].contains(segment)
        for target in ["/receive?channels=\(segment)", "/receive?channel=\(segment)", "/groups/g?after=\(segment)"] {
            let answer = await api.request("GET", target)
            #expect(answer.status == 400 && answer.problem == (isEncoded ? "invalid-name" : "invalid-parameter"))
        }
    }

    @Test(
        "An empty segment where a name belongs is no name",
        arguments: [
            ("POST", "/channels/"), ("GET", "/channels/"), ("PUT", "/groups/g/"), ("PUT", "/groups//a"),
            ("GET", "/groups/"),
            ("POST", "/layers/jobs/channels/"), ("PUT", "/layers/jobs/groups/g/"),
        ])
    func emptySegments(method: String, path: String) async {
        let api = await APIDriver()
        let answer = await api.request(method, path, body: "1")
        #expect(answer.status == 400 && answer.problem == "invalid-name")
    }

    @Test("A name of 200 characters passes, one of 201 says what is allowed")
    func length() async {
        let api = await APIDriver()
        let longest = String(repeating: "x", count: 200)
        #expect(await api.request("POST", "/channels/\(longest)", body: "1").status == 202)
        let answer = await api.request("POST", "/channels/\(longest)x", body: "1")
        #expect(answer.json["limit"] == 200 && answer.json["actual"] == 201)
    }

    @Test("Dots are a name like any other", arguments: ["..", ".", "%2e%2e", "a%2Fb", "a%252Fb"])
    func dots(segment: String) async {
        let api = await APIDriver()
        #expect(await api.request("POST", "/channels/\(segment)", body: "1").status == 202)
        #expect(
            await api.request("GET", "/channels/\(segment)").json["channel"]?.string
                == PercentEncoding.decodeSegment(ArraySlice(segment.utf8)))
    }

    @Test("A receive on a mailbox takes of all its channels, and says the full name")
    func mailbox() async {
        let api = await APIDriver()
        _ = await api.request("POST", "/channels/inbox!ann", body: "1")
        #expect(await api.request("GET", "/channels/inbox!").json["pending"] == 1)
        #expect(await api.request("GET", "/receive?channels=inbox!").json["channel"] == "inbox!ann")
    }
}

import ChannelsTesting
import Testing

@Suite("Groups, status and totals")
struct GroupTests {
    @Test("A send to a group reaches members but for the excluded")
    func send() async {
        let api = await APIDriver()
        for name in ["ann", "bob", "eve"] { #expect(await api.request("PUT", "/groups/g/\(name)").status == 204) }
        let sent = await api.request("POST", "/groups/g?exclude=ann&exclude=nobody&expiry=5", body: "1")
        #expect(sent.status == 202 && sent.json["members"] == 2)
        for (name, status) in [("ann", 204), ("bob", 200), ("eve", 200)] {
            #expect(await api.request("GET", "/receive?channels=\(name)").status == status)
        }
        #expect(await api.request("POST", "/groups/unknown", body: "1").json["members"] == 0)
    }

    @Test("Members come in pages, in ASCII order")
    func pages() async {
        let api = await APIDriver()
        for name in ["c", "a", "b", "B", "d%2C"] { _ = await api.request("PUT", "/groups/g/\(name)") }
        var seen: [Tree] = []
        var after = ""
        while true {
            let page = await api.request("GET", "/groups/g?limit=2\(after)")
            #expect(page.json["group"] == "g" && page["Cache-Control"] == "no-store")
            seen += page.json["channels"]?.array ?? []
            guard let next = page.json["next"]?.string else { break }
            after = "&after=\(next)"
        }
        #expect(seen == ["B", "a", "b", "c", "d,"])
        #expect(await api.request("GET", "/groups/none").text == #"{"group":"none","channels":[],"next":null}"#)
    }

    @Test("A member leaves, and leaving twice is nothing")
    func discard() async {
        let api = await APIDriver()
        _ = await api.request("PUT", "/groups/g/a?expiry=10")
        for _ in 0..<2 { #expect(await api.request("DELETE", "/groups/g/a").status == 204) }
        #expect(await api.request("POST", "/groups/g", body: "1").json["members"] == 0)
        _ = await api.request("PUT", "/groups/g/a")
        #expect(await api.request("DELETE", "/groups/g").status == 204)
        #expect(await api.request("GET", "/groups/g").json["channels"] == [])
    }

    @Test("The status of a channel says why nothing arrives")
    func status() async {
        let api = await APIDriver()
        _ = await api.request("PUT", "/groups/g/a")
        for number in 0..<3 { _ = await api.request("POST", "/channels/a?expiry=\(number + 1)", body: "1") }
        _ = await api.request("GET", "/receive?channels=a")
        api.clock.advance(by: .milliseconds(2250))
        let answer = await api.request("GET", "/channels/a")
        #expect(answer.status == 200 && answer["Cache-Control"] == "no-store")
        #expect(
            answer.text
                == #"{"channel":"a","pending":1,"capacity":100,"oldestAge":2.25,"waiting":0,"groups":["g"],"sent":3,"delivered":1,"expired":1,"purged":0,"rejected":0,"dropped":0}"#
        )
        #expect(await api.request("DELETE", "/channels/a").status == 204)
        let purged = await api.request("GET", "/channels/a")
        #expect(purged.json["purged"] == 1 && purged.json["oldestAge"] == .null)
    }

    @Test("The totals of a layer, with the uptime")
    func stats() async {
        let api = await APIDriver()
        api.clock.advance(by: .milliseconds(12_500))
        _ = await api.request("POST", "/channels/a", body: "1")
        let stats = await api.request("GET", "/stats")
        #expect(stats.json["sent"] == 1 && stats.json["pending"] == 1 && stats.json["uptime"] == .number(12.5))
        #expect(await api.request("GET", "/layers/jobs/stats").json["sent"] == 0)
        #expect(await api.request("POST", "/flush").status == 204)
        #expect(await api.request("GET", "/stats").json["purged"] == 1)
    }
}

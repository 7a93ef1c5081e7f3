import ChannelsHTTP
import HTTPCore
import Testing

@Suite("Pages of browsers")
struct CrossOriginTests {
    private func api(_ origins: String...) async -> APIDriver { await APIDriver { $0.corsOrigins = origins } }

    @Test(
        "A page of the server's own host may call",
        arguments: [
            ("http://localhost:8080", "localhost:8080"), ("https://localhost:8080", "localhost:8080"),
            ("http://LocalHost:8080", "localhost:8080"),
            ("https://example.com", "example.com"), ("http://example.com", "example.com:80"),
            ("https://example.com", "example.com:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ])
    func ownHost(origin: String, host: String) async {
        let api = await api()
        let answer = await api.request(
            "POST", "/channels/a", [("Host", host), ("Origin", origin)], body: Array("1".utf8))
        #expect(answer.status == 202 && answer["Access-Control-Allow-Origin"] == nil)
    }

    @Test(
        "A strange page is refused, whatever it asks for",
        arguments: [
            "http://evil.example", "http://localhost", "http://localhost:8081", "null", "http://listed.example.evil",
            "http://LISTED.example/",
            "https://listed.example", "localhost:8080", "", "*", "http://listed.example, http://listed.example",
        ])
    func strange(origin: String) async {
        let api = await api("http://listed.example")
        for (method, path) in [
            ("POST", "/channels/a"), ("GET", "/"), ("GET", "/nowhere"), ("OPTIONS", "/channels/a"),
            ("PUT", "/groups/g/a"),
        ] {
            let answer = await api.request(method, path, [("Origin", origin)])
            #expect(answer.status == 403 && answer.problem == "origin-not-allowed")
            #expect(answer["Vary"] == "Origin" && answer["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test(
        "A listed page may call, and may read answers, errors too",
        arguments: [["http://listed.example", "null"], ["*"]])
    func listed(origins: [String]) async {
        let api = await APIDriver { $0.corsOrigins = origins }
        for origin in ["http://listed.example", "null"] {
            for (method, target, status) in [
                ("GET", "/", 200), ("GET", "/nowhere", 404), ("PATCH", "/stats", 405), ("POST", "/channels/%00", 400),
                ("GET", "/receive?channels=a", 204), ("POST", "/channels/a", 400), ("HEAD", "/receive", 405),
                ("GET", "/layers/x/stats", 404),
            ] {
                let answer = await api.request(method, target, [("Origin", origin)])
                #expect(
                    answer.status == status && answer["Access-Control-Allow-Origin"] == origin
                        && answer["Vary"] == "Origin")
                let exposed = answer["Access-Control-Expose-Headers"] ?? ""
                for name in [
                    "Location", "Retry-After", "Allow", "X-Request-Id", "Preference-Applied", "Laurel-Channel",
                    "Laurel-Group",
                    "Laurel-Id", "WWW-Authenticate", "Accept-Encoding", "Date",
                ] {
                    #expect(exposed.contains(name))
                }
            }
        }
    }

    @Test("A preflight is answered, and may be kept")
    func preflight() async {
        let api = await api("http://listed.example")
        let fields = [
            ("Origin", "http://listed.example"), ("Access-Control-Request-Method", "DELETE"),
            ("Access-Control-Request-Headers", "content-type"),
        ]
        let answer = await api.request("OPTIONS", "/layers/jobs/channels/a?expiry=1", fields)
        #expect(answer.status == 204 && answer.body.isEmpty)
        #expect(answer["Access-Control-Allow-Origin"] == "http://listed.example")
        for method in ["GET", "POST", "DELETE"] {
            #expect(answer["Access-Control-Allow-Methods"]?.contains(method) == true)
        }
        for name in ["Content-Type", "Prefer", "X-Request-Id", "Authorization", "Accept"] {
            #expect(answer["Access-Control-Allow-Headers"]?.contains(name) == true)
        }
        #expect(answer["Access-Control-Max-Age"].flatMap(Int.init) ?? 0 > 0)
        #expect(
            await api.request("OPTIONS", "/channels/a").fields.contains { $0.name == "Access-Control-Max-Age" } == false
        )
    }

    @Test("What the HTTP layer answers itself bears the fields, too")
    func rejections() async {
        let api = await api("http://listed.example")
        let head = APIDriver.head("POST", "/channels/a", [("Origin", "http://listed.example")])
        let answer = Answer(api.application.respond(to: .requestTimeout, head: head))
        #expect(answer.status == 408 && answer["Access-Control-Allow-Origin"] == "http://listed.example")
        #expect(Answer(api.application.respond(to: .requestTimeout, head: nil))["Access-Control-Allow-Origin"] == nil)
    }

    @Test(
        "What a strange page loads without an Origin is refused, and takes no message",
        arguments: ["cross-site", "same-site"])
    func loadedByPage(site: String) async {
        let fields = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")]
        for api in [await api(), await api("http://listed.example")] {
            _ = await api.request("POST", "/channels/a", body: Array("1".utf8))
            let answer = await api.request("GET", "/receive?channels=a", fields)
            #expect(answer.status == 403 && answer.problem == "origin-not-allowed")
            for own in ["none", "same-origin"] {
                #expect(await api.request("GET", "/stats", [("Sec-Fetch-Site", own)]).status == 200)
            }
            #expect(await api.request("GET", "/receive?channels=a").status == 200)
        }
        let open = await api("*")
        #expect(await open.request("GET", "/stats", fields).status == 200)
    }

    @Test("A strange page is told so, whatever else is wrong with its request")
    func strangeAndWrong() async {
        let api = await api("http://listed.example")
        let head = APIDriver.head("POST", "/channels/a", [("Origin", "http://evil.example")])
        for rejection in [HTTPRejection.unsupportedContentEncoding, .expectationFailed, .unknownMethod] {
            let answer = Answer(api.application.respond(to: rejection, head: head))
            #expect(answer.status == 403 && answer.problem == "origin-not-allowed")
        }
    }

    @Test("Without an Origin nothing is held back, and caches keep answers apart where origins are listed")
    func noOrigin() async {
        #expect(await api().request("GET", "/")["Vary"] == nil)
        #expect(await api("http://listed.example").request("GET", "/")["Vary"] == "Origin")
    }
}

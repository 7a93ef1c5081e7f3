import Testing

@Suite("Parameters are strict")
struct ParameterTests {
    @Test(
        "What a route does not know, or what is out of range, is refused by name",
        arguments: [
            ("POST", "/channels/a?expriy=1", "expriy"), ("POST", "/channels/a?Expiry=1", "Expiry"),
            ("POST", "/channels/a?expiry=1&expiry=2", "expiry"),
            ("POST", "/channels/a?expiry=", "expiry"), ("POST", "/channels/a?expiry", "expiry"),
            ("POST", "/channels/a?expiry=-1", "expiry"),
            ("POST", "/channels/a?expiry=1e3", "expiry"), ("POST", "/channels/a?expiry=+1", "expiry"),
            ("POST", "/channels/a?expiry=1.", "expiry"),
            ("POST", "/channels/a?expiry=.5", "expiry"), ("POST", "/channels/a?expiry=1000000000.1", "expiry"),
            ("POST", "/channels/a?expiry=0x1", "expiry"), ("POST", "/channels/a?expiry=inf", "expiry"),
            ("POST", "/channels/a?=1", "''"),
            ("GET", "/receive?channels=a&timeout=x", "timeout"), ("GET", "/receive?channels=a&max=0", "max"),
            ("GET", "/receive?channels=a&max=1001", "max"), ("GET", "/receive?channels=a&max=1.0", "max"),
            ("GET", "/receive?channels=a&max=", "max"),
            ("GET", "/receive?channels=a&max=99999999999999999999999", "max"),
            ("GET", "/receive?channels=a&max=-1", "max"),
            ("GET", "/receive", "channels"), ("POST", "/receive", "channels"),
            ("GET", "/receive?timeout=1", "channels"),
            ("GET", "/receive?channels=a&timeout=1&timeout=1", "timeout"), ("GET", "/groups/g?limit=0", "limit"),
            ("GET", "/groups/g?limit=10001", "limit"), ("GET", "/groups/g?exclude=a", "exclude"),
            ("PUT", "/groups/g/a?expiry=x", "expiry"),
            ("PUT", "/groups/g/a?exclude=x", "exclude"), ("DELETE", "/groups/g/a?expiry=1", "expiry"),
            ("DELETE", "/groups/g?x", "x"),
            ("GET", "/channels/a?x=1", "x"), ("DELETE", "/channels/a?x=1", "x"),
            ("POST", "/channels?prefix=a", "prefix"),
            ("POST", "/batch?x=1", "x"), ("POST", "/flush?x=1", "x"), ("GET", "/stats?x=1", "x"), ("GET", "/?x=1", "x"),
            ("GET", "/health/live?x=1", "x"), ("GET", "/health/ready?x=1", "x"), ("GET", "/openapi.yaml?x=1", "x"),
        ])
    func refused(method: String, target: String, name: String) async {
        let api = await APIDriver()
        let answer = await api.request(
            method, target, body: method == "POST" && !target.hasPrefix("/receive") ? Array("1".utf8) : nil)
        #expect(answer.status == 400 && answer.problem == "invalid-parameter")
        #expect(answer.json["detail"]?.string?.contains(name) == true)
    }

    @Test(
        "A name begun with _ is passed over, as often as it comes",
        arguments: [
            "/receive?channels=a&_=1&_=2", "/receive?_x&channels=a", "/channels/a?_=17", "/stats?_", "/?_=1",
            "/groups/g?_=1&&",
        ])
    func passedOver(target: String) async {
        let api = await APIDriver()
        #expect([200, 204].contains(await api.request("GET", target).status))
    }

    @Test(
        "Refused parameters of a content",
        arguments: [
            ("/receive", "[]"), ("/receive", "1"), ("/receive", #"{"channels":"a"}"#),
            ("/receive", #"{"channels":[1]}"#),
            ("/receive", #"{"channels":[]}"#), ("/receive", #"{"channel":"a"}"#),
            ("/receive", #"{"channels":["a"],"timeout":"1"}"#),
            ("/receive", #"{"channels":["a"],"timeout":-1}"#), ("/receive", #"{"channels":["a"],"timeout":1e1}"#),
            ("/receive", #"{"channels":["a"],"max":0}"#), ("/receive", #"{"channels":["a"],"max":1.5}"#),
            ("/receive", "{}"),
            ("/receive", #"{"channels":["a"],"max":true}"#), ("/receive", #"{"channels":["a"],"channels":["b"]}"#),
            ("/receive", #"{"channels":["a"],"wait":1}"#), ("/channels", "[]"), ("/channels", #"{"prefix":1}"#),
            ("/channels", #"{"name":"a"}"#),
        ])
    func refusedMembers(path: String, body: String) async {
        let api = await APIDriver()
        let answer = await api.request("POST", path, body: body)
        #expect(answer.status == 400 && answer.problem == "invalid-parameter")
    }

    @Test(
        "A content that is no JSON is refused where it goes wrong",
        arguments: [("/receive", #"{"channels":["a",]}"#), ("/channels", #"{"prefix":'x'}"#)])
    func brokenContent(path: String, body: String) async {
        let api = await APIDriver()
        let answer = await api.request("POST", path, body: body)
        #expect(answer.status == 400 && answer.problem == "invalid-json" && answer.json["offset"]?.integer != nil)
    }

    @Test("1,000 names are received from, 1,001 are not")
    func nameCount() async {
        let api = await APIDriver()
        func names(_ count: Int) -> [String] { (0..<count).map { "n\($0)" } }
        #expect(await api.request("GET", "/receive?channels=\(names(1000).joined(separator: ","))").status == 204)
        let query = await api.request("GET", "/receive?channels=\(names(1001).joined(separator: ","))")
        let list = names(1001).map { "\"\($0)\"" }.joined(separator: ",")
        let content = await api.request("POST", "/receive", body: "{\"channels\":[\(list)]}")
        for answer in [query, content] {
            #expect(answer.problem == "invalid-parameter" && answer.json["limit"] == 1000)
        }
        let excluded = names(1001).map { "exclude=\($0)" }.joined(separator: "&")
        #expect(await api.request("POST", "/groups/g?\(excluded)", body: "1").json["limit"] == 1000)
    }

    @Test("A parameter is decoded as forms are")
    func forms() async {
        let api = await APIDriver()
        _ = await api.request("POST", "/channels/a%20b%2Cc", body: "1")
        #expect(await api.request("GET", "/receive?channels=a+b%2Cc").json == .null)
        #expect(await api.request("GET", "/receive?%63hannel=a+b%2Cc").json["channel"] == "a b,c")
        _ = await api.request("POST", "/channels/c", body: "2")
        #expect(await api.request("GET", "/receive?channels=x%2Cc&channels=y&channel=z").json["channel"] == "c")
    }

    @Test("An unknown name is shown short and printable, not as it came")
    func unknownNameIsShownSafely() async {
        let api = await APIDriver()
        let answer = await api.request("GET", "/stats?%00\(String(repeating: "y", count: 300))%0A=1")
        let detail = answer.json["detail"]?.string ?? ""
        #expect(detail.hasPrefix("'?yyy") && detail.utf8.count < 150)
    }
}

import Channels
import ChannelsMemory
import ChannelsTesting
import HTTPCore
import Testing

@testable import ChannelsHTTP

@Suite("Problems")
struct ProblemTests {
    @Test(
        "What the HTTP layer refuses has its type, its status and its fields",
        arguments: [
            (HTTPRejection.badRequest(reason: "white space before a colon (RFC 9112 §5.1)"), "bad-request"),
            (.requestTimeout, "request-timeout"),
            (.contentTooLarge(limit: 10, actual: 11), "message-too-large"),
            (.contentTooLarge(limit: 10, actual: nil), "message-too-large"),
            (.targetTooLong(limit: 8192), "target-too-long"),
            (.unsupportedContentEncoding, "unsupported-content-encoding"),
            (.expectationFailed, "expectation-failed"), (.headTooLarge(limit: 100), "header-too-large"),
            (.tooManyFieldLines(limit: 100), "header-too-large"),
            (.unknownMethod, "not-implemented"), (.unknownTransferEncoding, "not-implemented"),
            (.versionNotSupported, "version-not-supported"),
            (.overloaded(reason: "too many connections"), "backend-unavailable"), (.shuttingDown, "shutting-down"),
        ])
    func rejections(rejection: HTTPRejection, type: String) async {
        let api = await APIDriver()
        let answer = Answer(api.application.respond(to: rejection, head: nil))
        #expect(
            answer.problem == type && answer.status == rejection.status
                && answer.json["status"] == .integer(answer.status))
        #expect(answer["Content-Type"] == "application/problem+json" && answer["Cache-Control"] == "no-store")
        #expect((answer["Retry-After"] != nil) == (answer.status == 503))
        #expect(answer["Accept-Encoding"] == (answer.status == 415 ? "identity" : nil))
        #expect(answer.response.closesConnection == (type == "bad-request"))
        let violations = Contract.shared.violations(method: "POST", path: "/channels/a", answer: answer)
        #expect(violations.isEmpty)
    }

    @Test(
        "What a backend refuses has its type; what a client may not see is logged, not told",
        arguments: [
            (ChannelError.Code.channelFull, 429), (.layerFull, 503), (.backendUnavailable, 503), (.outcomeUnknown, 503),
            (.tooManyGroups, 409),
            (.messageTooLarge, 413), (.invalidName, 400), (.invalidParameter, 400), (.notImplemented, 501),
            (.init(rawValue: "of-its-own"), 500),
        ])
    func backendErrors(code: ChannelError.Code, status: Int) async {
        struct Secret: Error { let word = "hunter2" }
        let error = ChannelError(code, "Says this.", limit: 1, actual: 2, underlying: Secret())
        let api = await APIDriver(layers: ["default": FailingBackend(error: error)])
        let answer = await api.request("PUT", "/groups/g/a")
        #expect(answer.status == status && answer.problem == (status == 500 ? "internal" : code.rawValue))
        #expect(!answer.text.contains("hunter2"))
        #expect(api.errors.all.count == 1 && api.errors.all[0].hasPrefix("request-1: Secret"))
        if status != 500 {
            #expect(answer.json["detail"] == "Says this." && answer.json["limit"] == 1 && answer.json["actual"] == 2)
        }
        let retries = [ChannelError.Code.channelFull, .layerFull, .backendUnavailable].contains(code)
        #expect((answer["Retry-After"] != nil) == retries)
    }

    @Test("An error of any other kind is 500, and logged")
    func unknownError() async {
        struct Surprise: Error { let payload = "hunter2" }
        let api = await APIDriver(layers: ["default": FailingBackend(error: Surprise())])
        let answer = await api.request("POST", "/channels/a", body: "1")
        #expect(answer.status == 500 && answer.problem == "internal" && !answer.text.contains("hunter2"))
        #expect(api.errors.all.count == 1)
        let batch = await api.request("POST", "/batch", body: #"[{"channel":"a","message":1}]"#)
        #expect(batch.json["results"]?[0]?["status"] == 500 && api.errors.all.count == 2)
    }

    @Test("Types are unique, titles plain, statuses those of the contract's table")
    func table() {
        #expect(ProblemType.allCases.count == 27)
        #expect(Set(ProblemType.allCases.map(\.rawValue)).count == 27)
    }
}

@Suite("Routes that are not per layer, and methods")
struct ServerRouteTests {
    @Test("GET / says who is here")
    func about() async {
        let answer = await APIDriver().request("GET", "/")
        #expect(
            answer.text
                == #"{"name":"laurel","version":"1.2.3","layers":["default","jobs"],"contract":"/openapi.yaml"}"#)
    }

    @Test("Health: the process is up, and each layer's backend answers")
    func health() async {
        let api = await APIDriver()
        #expect(await api.request("GET", "/health/live").json["status"] == "live")
        #expect(await api.request("GET", "/health/ready").json["status"] == "ready")
        let failing = FailingBackend(error: ChannelError(.backendUnavailable, "The store is gone."))
        let broken = await APIDriver(layers: [
            "default": MustOnly(memory: MemoryBackend(clock: ManualClock(), epoch: 1)), "jobs": failing,
        ])
        let answer = await broken.request("GET", "/health/ready")
        #expect(answer.status == 503 && answer.problem == "backend-unavailable")
        #expect(answer.json["detail"]?.string?.contains("jobs (The store is gone.)") == true)
        #expect(await broken.request("GET", "/health/live").status == 200)
    }

    @Test(
        "HEAD works where GET does",
        arguments: [
            "/", "/openapi.yaml", "/health/live", "/health/ready", "/channels/a", "/groups/g", "/stats",
            "/layers/jobs/stats",
        ])
    func head(path: String) async {
        #expect(await APIDriver().request("HEAD", path).status == 200)
    }

    @Test(
        "OPTIONS says which methods there are",
        arguments: [
            ("/channels/a", "GET, HEAD, POST, DELETE, OPTIONS"), ("/receive", "GET, POST, OPTIONS"),
            ("/groups/g/a", "PUT, DELETE, OPTIONS"),
            ("/", "GET, HEAD, OPTIONS"), ("/layers/jobs/batch", "POST, OPTIONS"),
            ("*", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
        ])
    func options(path: String, methods: String) async {
        let api = await APIDriver()
        let answer = await api.request("OPTIONS", path)
        let allowed = Set((answer["Allow"] ?? "").split(separator: ", "))
        #expect(answer.status == 204 && allowed == Set(methods.split(separator: ", ")))
        guard path != "*" else { return }
        for method in ["PATCH", "TRACE"] {
            let refused = await api.request(method, path)
            #expect(
                refused.status == 405 && refused.problem == "method-not-allowed" && refused["Allow"] == answer["Allow"])
        }
    }

    @Test(
        "Unknown paths are 404",
        arguments: [
            "/nowhere", "/channels/a/b", "/health", "/health/", "/layers", "/layers/jobs", "/layers/jobs/health/live",
            "/layers/jobs/openapi.yaml",
            "/groups", "/receive/", "//", "/stats/", "/Stats", "/metrics",
        ])
    func notFound(path: String) async {
        let api = await APIDriver()
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = await api.request(method, path)
            #expect(answer.status == 404 && answer.problem == "not-found", "\(method) \(path)")
        }
    }

    @Test("Each endpoint says what it does, to which layer and names")
    func intents() async throws {
        let api = await APIDriver()
        let a = try ChannelName("a")
        let g = try GroupName("g")
        let expected: [(String, String, Intent)] = [
            ("POST", "/channels/a", Intent(action: .send, layer: "default", channels: [a])),
            ("POST", "/layers/jobs/channels/a", Intent(action: .send, layer: "jobs", channels: [a])),
            ("GET", "/receive?channels=a", Intent(action: .receive, layer: "default", channels: [a])),
            ("PUT", "/groups/g/a", Intent(action: .group, layer: "default", channels: [a], groups: [g])),
            ("DELETE", "/groups/g/a", Intent(action: .group, layer: "default", channels: [a], groups: [g])),
            ("POST", "/groups/g", Intent(action: .send, layer: "default", groups: [g])),
            ("GET", "/groups/g", Intent(action: .inspect, layer: "default", groups: [g])),
            ("DELETE", "/groups/g", Intent(action: .admin, layer: "default", groups: [g])),
            ("GET", "/channels/a", Intent(action: .inspect, layer: "default", channels: [a])),
            ("DELETE", "/channels/a", Intent(action: .admin, layer: "default", channels: [a])),
            ("POST", "/flush", Intent(action: .admin, layer: "default")),
            ("GET", "/stats", Intent(action: .inspect, layer: "default")),
            ("POST", "/batch", Intent(action: .send, layer: "default")),
            ("GET", "/", Intent(action: .ask)), ("GET", "/health/ready", Intent(action: .ask)),
        ]
        for (method, target, intent) in expected {
            guard case .admitted(let call, _) = api.application.admit(APIDriver.head(method, target)) else {
                Issue.record("\(method) \(target) was refused")
                continue
            }
            #expect((call as? any IntentCall)?.intent == intent)
        }
    }
}

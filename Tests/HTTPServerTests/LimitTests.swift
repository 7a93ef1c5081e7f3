import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct LimitTests {
    @Test(
        "What cannot be served is refused by its status, and the connection ends",
        arguments: [
            ("nonsense\r\n\r\n", 400),
            ("GET /echo HTTP/1.1\r\n\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000001\r\n\r\n", 413),
            ("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nF4241\r\n", 413),
            ("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ,\r\nContent-Length: 1\r\n\r\n1", 400),
            ("GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "a", count: 50_000))\r\n\r\n", 431),
            ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
            ("GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505),
        ])
    func rejections(request: String, status: Int) async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(request)
            let response = try await client.response()
            #expect(response.status == status)
            #expect(response.field("Connection") == "close")
            #expect(await client.isEnded())
        }
    }

    @Test("A client that sends on after a refusal reads its answer nevertheless")
    func lingers() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n")
            // By then the server has answered and, if it were to close at once, this would be met with a reset.
            try await server.journal.wait(for: "reject 413")
            try await client.send([UInt8](repeating: 1, count: 8_000_000))
            #expect(try await client.response().status == 413)
            #expect(await client.isEnded())
        }
    }

    @Test("After a refusal with a small content the connection goes on")
    func smallRefusal() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await client.response().status == 403)
            try await client.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n")
            #expect(try await client.response().status == 403)
            try await client.send([UInt8](repeating: 1, count: 50_000))
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await client.response().text == "abc")
        }
    }

    @Test("A client that is still sending a small refused content can read its answer, though the connection ends")
    func smallRefusalAtTheEnd() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("POST /forbidden HTTP/1.0\r\nContent-Length: 50000\r\n\r\n")
            try await server.journal.wait(for: "admit /forbidden")
            // Had the server closed by now, these would be met with a reset.
            for _ in 0..<5 { try await client.send([UInt8](repeating: 1, count: 10_000)) }
            #expect(try await client.response().status == 403)
            #expect(await client.isEnded())
        }
    }

    @Test("A head that does not come to its end is answered 408, however steadily its bytes come")
    func headTimeout() async throws {
        let change: (inout HTTPServerSettings) -> Void = {
            $0.headTimeout = .milliseconds(50)
            $0.limits.headBytesMax = .max
        }
        try await withServer(settings: change) { server in
            let client = try server.client()
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n")
            try await Self.send("x", by: client, untilRejectedBy: server)
            #expect(try await client.response().status == 408)
            #expect(await client.isEnded())
        }
    }

    @Test(
        "A content that does not come to its end is answered 408",
        arguments: ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nab"])
    func contentTimeout(rest: String) async throws {
        try await withServer(settings: { $0.contentTimeout = .milliseconds(50) }) { server in
            let client = try server.client()
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\n\(rest)")
            #expect(try await client.response().status == 408)
            #expect(await client.isEnded())
        }
    }

    @Test("A content that comes steadily, but below the least rate, is answered 408")
    func contentRate() async throws {
        let change: (inout HTTPServerSettings) -> Void = {
            $0.contentTimeout = .milliseconds(100)
            $0.contentBytesPerSecondMin = 1_000_000_000
        }
        try await withServer(settings: change) { server in
            let client = try server.client()
            try await client.send("POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 60000000\r\n\r\n")
            try await Self.send("x", by: client, untilRejectedBy: server)
            #expect(try await client.response().status == 408)
        }
    }

    private static func send(
        _ text: String, by client: Client, untilRejectedBy server: ServerUnderTest
    ) async throws {
        let end = ContinuousClock.now + Client.patience
        while !server.journal.entries.contains(where: { $0.hasPrefix("reject") }) {
            guard ContinuousClock.now < end else { throw Client.TooLate() }
            try await client.send(text)
            await Task.yield()
        }
    }

    @Test("An idle connection is closed after a while, without a word")
    func idleTimeout() async throws {
        try await withServer(settings: { $0.idleTimeout = .milliseconds(300) }) { server in
            let fresh = try server.client()
            #expect(await fresh.isEnded())
            let used = try server.client()
            try await used.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await used.response().status == 200)
            #expect(await used.isEnded())
        }
    }

    @Test("A request that waits outlives every time-out")
    func waitingHasNoTimeout() async throws {
        let change: (inout HTTPServerSettings) -> Void = {
            $0.idleTimeout = .milliseconds(20)
            $0.headTimeout = .milliseconds(20)
            $0.writeTimeout = .milliseconds(20)
        }
        try await withServer(settings: change) { server in
            let waiting = try await Self.clientThatWaits(at: server)
            for _ in 0..<3 {
                let idle = try server.client()
                #expect(await idle.isEnded())  // so the time has passed
            }
            server.application.gate.open()
            #expect(try await waiting.response().text == "waited")
        }
    }

    /// Where the machine pauses, a connection may be idle for too long before its request is there: then it is tried again.
    private static func clientThatWaits(at server: ServerUnderTest) async throws -> Client {
        for _ in 0..<100 {
            let client = try server.client()
            try? await client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            do {
                try await server.journal.wait(for: "waiting", patience: .milliseconds(200))
                return client
            } catch {
                continue
            }
        }
        throw Client.TooLate()
    }

    @Test("A connection above the limit is told 503; when one leaves there is room again")
    func connectionLimit() async throws {
        try await withServer(settings: { $0.connectionsMax = 2 }) { server in
            let clients = [try server.client(), try server.client()]
            for client in clients {
                try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await client.response().status == 200)
            }
            let third = try server.client()
            #expect(try await third.response().status == 503)
            #expect(await third.isEnded())
            third.close()
            clients[0].close()
            try await server.waitForConnections(atMost: 1)
            let fourth = try server.client()
            try await fourth.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await fourth.response().status == 200)
        }
    }

    @Test("Above the limit of those that are told so, connections wait to be accepted")
    func connectionHardLimit() async throws {
        let change: (inout HTTPServerSettings) -> Void = {
            $0.connectionsMax = 1
            $0.connectionsRefusedMax = 0
            $0.acceptPause = .milliseconds(5)
        }
        try await withServer(settings: change) { server in
            let first = try server.client()
            try await first.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await first.response().status == 200)
            let second = try server.client()
            try await second.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nsecond")
            first.close()
            #expect(try await second.response().text == "second")
        }
    }
}

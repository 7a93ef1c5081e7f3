import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
    private static let echo = "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test(
        "Requests that wait are cancelled and get their answer, which says that the connection ends",
        arguments: [true, false])
    func waiters(answersAtOnce: Bool) async throws {
        try await withServer(loops: 2, answersAtOnce: answersAtOnce) { server in
            let clients = try (0..<50).map { _ in try server.client() }
            for client in clients { try await client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
            try await server.journal.wait(for: "waiting", count: clients.count)
            async let drained: Void = server.server.drain(within: .seconds(20))
            for client in clients {
                let response = try await client.response()
                #expect(response.status == 503)
                #expect(response.field("Connection") == "close")
                #expect(await client.isEnded())
            }
            await drained
            #expect(server.journal.entries.filter { $0 == "begun" }.count == clients.count)
            #expect(!server.journal.entries.contains("unsent"))
        }
    }

    @Test("Idle connections end at once, and nobody can connect any more")
    func idle() async throws {
        try await withServer { server in
            let used = try server.client()
            try await used.send(Self.echo)
            _ = try await used.response()
            let fresh = try server.client()
            await server.server.drain(within: .seconds(20))
            #expect(await used.isEnded())
            #expect(await fresh.isEnded())
            let late = try server.client()
            #expect(await late.isEnded())
        }
    }

    @Test("What is in flight is finished, and says that the connection ends")
    func inFlight() async throws {
        try await withServer { server in
            let slow = try server.client()
            try await slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "slow")
            let arriving = try server.client()
            try await arriving.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nha")
            try await server.journal.wait(for: "admit /echo")
            let idle = try server.client()
            try await idle.send(Self.echo)
            _ = try await idle.response()

            async let drained: Void = server.server.drain(within: .seconds(20))
            #expect(await idle.isEnded())  // so the drain has begun
            try await arriving.send("lf")
            let arrived = try await arriving.response()
            #expect(arrived.text == "half")
            #expect(arrived.field("Connection") == "close")
            server.application.gate.open()
            let finished = try await slow.response()
            #expect(finished.text == "slow")
            #expect(finished.field("Connection") == "close")
            await drained
        }
    }

    @Test("A request that begins to wait during the drain does not wait", arguments: [true, false])
    func waitDuringDrain(answersAtOnce: Bool) async throws {
        try await withServer(answersAtOnce: answersAtOnce) { server in
            let client = try server.client()
            try await client.send("GET /wait HTTP/1.1\r\nHost: h\r\n")
            let idle = try server.client()
            try await idle.send(Self.echo)
            _ = try await idle.response()
            async let drained: Void = server.server.drain(within: .seconds(20))
            #expect(await idle.isEnded())
            try await client.send("\r\n")
            #expect(try await client.response().status == 503)
            await drained
        }
    }

    @Test("A parked request whose wait nobody ends is cut off, and its answer unsent")
    func parkedForEver() async throws {
        try await withServer { server in
            let stuck = try server.client()
            try await stuck.send("GET /stuck HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "waiting")
            await server.server.drain(within: .milliseconds(50))
            server.application.gate.open()
            try await server.journal.wait(for: "unsent")
            #expect(await stuck.isEnded())
        }
    }

    @Test("A request that does not arrive in time is told 503; what does not end at all is cut off")
    func deadline() async throws {
        try await withServer { server in
            let arriving = try server.client()
            try await arriving.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nha")
            let stuck = try server.client()
            try await stuck.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "slow")
            try await server.journal.wait(for: "admit /echo")
            await server.server.drain(within: .milliseconds(2500))
            let refused = try await arriving.response()
            #expect(refused.status == 503)
            #expect(server.journal.entries.contains("reject 503"))
            server.application.gate.open()
            try await server.journal.wait(for: "unsent")
            #expect(await stuck.isEnded())
        }
    }
}

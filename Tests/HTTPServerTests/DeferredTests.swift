import HTTPServer
import Testing

@Suite("Answers that come later, whatever the client does", .timeLimit(.minutes(1)))
struct DeferredTests {
    private static let deferred = "GET /deferred HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("A client that has closed its sending side meanwhile gets its answer")
    func halfClosed() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.deferred)
            try await server.journal.wait(for: "waiting")
            client.closeSending()
            // The next request shows that the server's loop has run on since.
            let other = try server.client()
            try await other.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await other.response()
            server.application.gate.open()
            #expect(try await client.response().text == "waited")
            #expect(await client.isEnded())
            #expect(!server.journal.entries.contains("cancelled"))
        }
    }

    @Test("One that has gone leaves nothing behind", arguments: HangUpTests.Leaving.allCases)
    func gone(leaving: HangUpTests.Leaving) async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.deferred)
            try await server.journal.wait(for: "waiting")
            leaving.happen(to: client)
            server.application.gate.open()
            // The drain ends once no connection is left.
            await server.server.drain(within: .seconds(20))
            #expect(!server.journal.entries.contains("cancelled"))
        }
    }

    @Test("A server that drains waits for it, and for what is pipelined behind it no longer")
    func drain() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.deferred + Self.deferred)
            try await server.journal.wait(for: "waiting")
            let idle = try server.client()
            try await idle.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await idle.response()
            async let drained: Void = server.server.drain(within: .seconds(20))
            #expect(await idle.isEnded())  // so the drain has begun
            server.application.gate.open()
            let response = try await client.response()
            #expect(response.text == "waited")
            #expect(response.field("Connection") == "close")
            await drained
            #expect(!server.journal.entries.contains("cancelled"))
        }
    }

    @Test("What is pipelined behind it is answered after it, in its order")
    func pipelined() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.deferred + "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nnext")
            try await server.journal.wait(for: "waiting")
            server.application.gate.open()
            #expect(try await client.response().text == "waited")
            #expect(try await client.response().text == "next")
        }
    }
}

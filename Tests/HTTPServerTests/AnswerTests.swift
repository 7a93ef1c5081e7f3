import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(3))) struct AnswerTests {
    @Test(
        "Answers of every size and shape arrive as they were made, also to a client with a small buffer",
        arguments: [0, 1, 4096, 4097, 65_536, 3_000_000], [4096, nil] as [Int32?])
    func shapes(byteCount: Int, receiveBufferBytes: Int32?) async throws {
        // Some of them outside of a task, some in it.
        try await withServer(answersAtOnce: byteCount != 4096) { server in
            let client = try server.client(receiveBufferBytes: receiveBufferBytes)
            let pattern = TestApplication.pattern(byteCount)
            try await client.send("GET /large?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().content == pattern)
            try await client.send("GET /pieces?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            let pieces = [[UInt8]("<".utf8), pattern, [UInt8]("|".utf8), pattern, [UInt8](">".utf8)]
            #expect(try await client.response().content == Array(pieces.joined()))
            try await client.send("GET /encoded?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().content == [UInt8]("<".utf8) + pattern + [UInt8](">".utf8))
            // The last bytes may be here before the server has come to say so.
            try await server.journal.wait(for: "begun", count: 3)
        }
    }

    @Test("The outcome is told when the first bytes are out, not when the last are")
    func begunEarly() async throws {
        try await withServer { server in
            let client = try server.client(receiveBufferBytes: 4096)
            try await client.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "begun")
            // Nothing was read yet, and 20 MB fit in no socket: the answer is still going out.
            #expect(try await client.response().content.count == 20_000_000)
            #expect(server.journal.entries.filter { $0 == "begun" }.count == 1)
        }
    }

    @Test("A client that does not read its answer is cut off, and it stays begun")
    func slowReader() async throws {
        try await withServer(settings: { $0.writeTimeout = .milliseconds(50) }) { server in
            let client = try server.client(receiveBufferBytes: 4096)
            try await client.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "begun")
            try await server.waitForConnections(atMost: 0)
            #expect(!server.journal.entries.contains("unsent"))
            client.close()
        }
    }

    @Test("A client that reads its answer steadily, but below the least rate, is cut off")
    func slowSteadyReader() async throws {
        let change: (inout HTTPServerSettings) -> Void = {
            $0.writeTimeout = .milliseconds(200)
            $0.answerBytesPerSecondMin = 1_000_000_000
        }
        try await withServer(settings: change) { server in
            let client = try server.client(receiveBufferBytes: 4096)
            try await client.send("GET /large?60000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "begun")
            // It reads all the time, and 60 MB a few KB at a time take longer than 200 ms.
            await #expect(throws: Client.Ended.self) { try await client.response() }
        }
    }

    @Test("An answer that cannot be undone goes out, whatever the budget; so does one where nothing else is held")
    func beyondTheBudget() async throws {
        let change: (inout HTTPServerSettings) -> Void = { $0.answerBytesInFlightMax = 1_000_000 }
        try await withServer(settings: change) { server in
            let alone = try server.client()
            for target in ["/large?20000000", "/pieces?5000000", "/encoded?5000000"] {
                try await alone.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await alone.response().status == 200)
            }
            let slow = try server.client(receiveBufferBytes: 4096)
            try await slow.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "begun", count: 4)
            for target in ["/large?20000000", "/pieces?5000000", "/encoded?5000000"] {
                try await alone.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await alone.response().status == 503)
            }
            try await alone.send("GET /final?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await alone.response().content.count == 20_000_000)
        }
    }

    @Test("Answers that wait for slow readers have a budget; over it 503, and what was taken is unsent")
    func answerBudget() async throws {
        let change: (inout HTTPServerSettings) -> Void = { $0.answerBytesInFlightMax = 30_000_000 }
        try await withServer(settings: change) { server in
            let slow = try server.client(receiveBufferBytes: 4096)
            try await slow.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            try await server.journal.wait(for: "begun")
            let refused = try server.client()
            try await refused.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await refused.response().status == 503)
            #expect(server.journal.entries.suffix(2) == ["unsent", "reject 503"])
            // A small one goes out, on the same connection; and when the slow reader has gone, a large one.
            try await refused.send("GET /large?20000 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await refused.response().content.count == 20_000)
            slow.close()
            try await server.waitForConnections(atMost: 1)
            try await refused.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await refused.response().content.count == 20_000_000)
        }
    }
}

import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct AnswerTests {
    @Test(
        "Answers of every size and shape arrive as they were made, also to a client with a small buffer",
        arguments: [0, 1, 4096, 4097, 65_536, 3_000_000], [4096, nil] as [Int32?])
    func shapes(byteCount: Int, receiveBufferBytes: Int32?) async throws {
        try await withServer { server in
            let client = try server.client(receiveBufferBytes: receiveBufferBytes)
            let pattern = TestApplication.pattern(byteCount)
            try await client.send("GET /large?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().content == pattern)
            try await client.send("GET /pieces?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            let pieces = [[UInt8]("<".utf8), pattern, [UInt8]("|".utf8), pattern, [UInt8](">".utf8)]
            #expect(try await client.response().content == Array(pieces.joined()))
            try await client.send("GET /encoded?\(byteCount) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().content == [UInt8]("<".utf8) + pattern + [UInt8](">".utf8))
            #expect(server.journal.entries.filter { $0 == "begun" }.count == 3)
        }
    }

    @Test("The outcome is told when the first bytes are out, not when the last are")
    func begunEarly() async throws {
        try await withServer { server in
            let client = try server.client(receiveBufferBytes: 4096)
            try await client.send("GET /large?20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            await server.journal.wait(for: "begun")
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
            await server.journal.wait(for: "begun")
            while server.server.connectionCount > 0 { await Task.yield() }
            #expect(!server.journal.entries.contains("unsent"))
            client.close()
        }
    }
}

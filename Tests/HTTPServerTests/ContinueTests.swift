import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct ContinueTests {
    private static let head = "HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"

    @Test("A client that expects it is told to go on, once its request is admitted", arguments: [true, false])
    func admitted(chunked: Bool) async throws {
        try await withServer { server in
            let client = try server.client()
            let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: 4"
            try await client.send("POST /echo \(Self.head)\(framing)\r\n\r\n")
            #expect(try await client.response().status == 100)
            try await client.send(chunked ? "4\r\nbody\r\n0\r\n\r\n" : "body")
            #expect(try await client.response().text == "body")
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("A client that did not wait for it gets its answer only")
    func contentAlreadyThere() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("POST /echo \(Self.head)Content-Length: 4\r\n\r\nbody")
            #expect(try await client.response().text == "body")
        }
    }

    @Test(
        "What the head alone decides is answered without it, and the connection ends",
        arguments: [("/forbidden", 3, 403), ("/echo", 1_000_001, 413), ("/forbidden", 9_000_000, 403)])
    func refused(path: String, length: Int, status: Int) async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("POST \(path) \(Self.head)Content-Length: \(length)\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == status)
            #expect(response.field("Connection") == "close")
            #expect(await client.isEnded())
        }
    }

    @Test(
        "Beyond the budget for contents in arrival the answer is 503, before any 100 Continue; later there is room again"
    )
    func budget() async throws {
        try await withServer(settings: { $0.contentBytesInArrivalMax = 100_000 }) { server in
            let first = try server.client()
            try await first.send("POST /echo \(Self.head)Content-Length: 60000\r\n\r\n")
            #expect(try await first.response().status == 100)
            try await first.send([UInt8](repeating: 1, count: 59_000))

            let second = try server.client()
            try await second.send("POST /echo \(Self.head)Content-Length: 60000\r\n\r\n")
            #expect(try await second.response().status == 503)
            #expect(await second.isEnded())

            let small = try server.client()
            try await small.send("POST /echo \(Self.head)Content-Length: 16000\r\n\r\n")
            #expect(try await small.response().status == 100)

            try await first.send([UInt8](repeating: 1, count: 1_000))
            #expect(try await first.response().status == 200)
            let third = try server.client()
            try await third.send("POST /echo \(Self.head)Content-Length: 60000\r\n\r\n")
            #expect(try await third.response().status == 100)
        }
    }

    @Test("Who announces a content and sends nothing takes nothing from the others; what comes too much then is 503")
    func announcedOnly() async throws {
        try await withServer(settings: { $0.contentBytesInArrivalMax = 100_000 }) { server in
            let clients = try (0..<5).map { _ in try server.client() }
            for client in clients {
                try await client.send("POST /echo \(Self.head)Content-Length: 90000\r\n\r\n")
                #expect(try await client.response().status == 100)
            }
            for client in clients[..<2] { try await client.send([UInt8](repeating: 1, count: 80_000)) }
            try await server.journal.wait(for: "reject 503")
            // Which of the two it is depends on what the server read first; the other one goes on.
            var statuses: [Int] = []
            for client in clients[..<2] {
                try? await client.send([UInt8](repeating: 1, count: 10_000))
                statuses.append(try await client.response().status)
            }
            #expect(statuses.sorted() == [200, 503])
        }
    }

    @Test("A chunked content counts in the budget as it grows")
    func chunkedBudget() async throws {
        try await withServer(settings: { $0.contentBytesInArrivalMax = 100_000 }) { server in
            let client = try server.client()
            try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = [UInt8](repeating: 1, count: 60_000)
            for _ in 0..<2 {
                try await client.send("\(String(chunk.count, radix: 16))\r\n")
                try await client.send(chunk)
                try await client.send("\r\n")
            }
            #expect(try await client.response().status == 503)
            let other = try server.client()
            try await other.send("POST /echo \(Self.head)Content-Length: 90000\r\n\r\n")
            #expect(try await other.response().status == 100, "The share was given back")
        }
    }
}

import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct RequestTests {
    @Test("A parked request is answered when its time is up, and the connection goes on")
    func timeLimit() async throws {
        try await withServer { server in
            let client = try server.client()
            for _ in 0..<3 {
                try await client.send("GET /wait?5 HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await client.response().status == 204)
            }
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("A connection serves one request after the other")
    func keepAlive() async throws {
        try await withServer { server in
            let client = try server.client()
            for number in 0..<3 {
                try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n#\(number)")
                let response = try await client.response()
                #expect(response.status == 200)
                #expect(response.text == "#\(number)")
                #expect(response.field("Connection") == nil)
            }
            #expect(server.server.connectionCount == 1)
        }
    }

    @Test("Pipelined requests are answered in order, one begun when the one before is answered")
    func pipelining() async throws {
        try await withServer { server in
            let client = try server.client()
            let count = 100
            var bytes = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"
            for number in 0..<count {
                let content = "request \(number)"
                bytes += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
            }
            try await client.send(bytes)
            try await server.journal.wait(for: "waiting")
            #expect(!server.journal.entries.contains("admit /echo"))
            server.application.gate.open()
            #expect(try await client.response().text == "waited")
            for number in 0..<count {
                #expect(try await client.response().text == "request \(number)")
            }
        }
    }

    @Test("A request that comes one byte at a time is served", arguments: [true, false])
    func byteByByte(chunked: Bool) async throws {
        try await withServer { server in
            let client = try server.client()
            let request =
                chunked
                ? "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                : "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde"
            for byte in request.utf8 {
                try await client.send([byte])
                await Task.yield()
            }
            #expect(try await client.response().text == "abcde")
        }
    }

    @Test("A chunked content and what is pipelined behind it are told apart")
    func chunkedAndPipelined() async throws {
        try await withServer { server in
            let client = try server.client()
            let request =
                "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                + "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nnext"
            try await client.send(request + request)
            for expected in ["abc", "next", "abc", "next"] {
                #expect(try await client.response().text == expected)
            }
        }
    }

    @Test("A large content arrives bit by bit as it was sent", arguments: [true, false])
    func largeContent(chunked: Bool) async throws {
        try await withServer { server in
            let client = try server.client()
            let content = TestApplication.pattern(5_000_000)
            if chunked {
                try await client.send("POST /big HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: content.count, by: 70_000) {
                    let chunk = content[start..<min(start + 70_000, content.count)]
                    try await client.send("\(String(chunk.count, radix: 16))\r\n")
                    try await client.send(Array(chunk))
                    try await client.send("\r\n")
                }
                try await client.send("0\r\n\r\n")
            } else {
                try await client.send("POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: \(content.count)\r\n\r\n")
                try await client.send(content)
            }
            #expect(try await client.response().content == content)
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test("An answer to HEAD has a length and no content")
    func head() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(
                "HEAD /large?7000 HTTP/1.1\r\nHost: h\r\n\r\nGET /large?3 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.response(toHead: true).field("Content-Length") == "7000")
            #expect(try await client.response().content == TestApplication.pattern(3))
        }
    }

    @Test(
        "The connection goes on or ends as version and Connection say",
        arguments: [
            ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.0", "", false),
            ("HTTP/1.0", "Connection: keep-alive\r\n", true),
        ])
    func versions(version: String, field: String, goesOn: Bool) async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("GET /echo \(version)\r\nHost: h\r\n\(field)\r\n")
            #expect(try await client.response().status == 200)
            if goesOn {
                try await client.send("GET /echo \(version)\r\nHost: h\r\nConnection: close\r\n\r\n")
                #expect(try await client.response().field("Connection") == "close")
            }
            #expect(await client.isEnded())
        }
    }

    @Test("Every answer says when, by whom, and to which request")
    func fields() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine-1\r\n\r\n")
            let named = try await client.response()
            #expect(named.field("X-Request-Id") == "mine-1")
            #expect(named.field("Server") == "laurel")
            #expect(named.field("Date")?.hasSuffix(" GMT") == true)
            var ids: Set<String> = []
            for target in ["/echo", "/forbidden", "/nowhere"] {
                try await client.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
                ids.insert(try #require(try await client.response().field("X-Request-Id")))
            }
            try await client.send("nonsense\r\n\r\n")
            let refused = try await client.response()
            ids.insert(try #require(refused.field("X-Request-Id")))
            #expect(refused.field("Date") != nil)
            #expect(ids.count == 4)
        }
    }

    @Test("Connections are spread evenly over the loops")
    func spread() async throws {
        try await withServer(loops: 2) { server in
            let clients = try (0..<10).map { _ in try server.client() }
            for client in clients {
                try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
                #expect(try await client.response().text == "hi")
            }
            #expect(server.server.connectionCounts == [5, 5])
        }
    }
}

import HTTPClient
import Testing

extension Harness {
    @Suite("HTTP as it is on the wire")
    struct FramingTests {
        @Test("Pipelined requests are answered in order, a long-poll among them holding up what follows")
        func pipelining() async throws {
            try await LaurelProcess.run { server in
                let socket = try RawSocket(port: server.port)
                try socket.write(
                    "POST /channels/a HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\n\r\n1"
                        + "GET /receive?channels=a HTTP/1.1\r\nHost: l\r\n\r\n"
                        + "GET /receive?channels=b&timeout=60 HTTP/1.1\r\nHost: l\r\n\r\n"
                        + "GET /nowhere HTTP/1.1\r\nHost: l\r\n\r\n")
                #expect(try socket.readResponse().status == 202)
                #expect(String(decoding: try socket.readResponse().content, as: UTF8.self).contains(#""message":1"#))
                try await server.waitUntilParked(1, on: "b")
                try await server.send("2", to: "b")
                #expect(String(decoding: try socket.readResponse().content, as: UTF8.self).contains(#""message":2"#))
                #expect(try socket.readResponse().status == 404)
            }
        }

        @Test("A client of HTTP/1.0 is answered, and the connection ends unless it asks to keep it")
        func http10() async throws {
            try await LaurelProcess.run { server in
                let once = try RawSocket(port: server.port)
                try once.write("GET /health/live HTTP/1.0\r\n\r\n")
                let text = try once.readToEnd()
                #expect(text.hasPrefix("HTTP/1.1 200 "))
                let kept = try RawSocket(port: server.port)
                for _ in 0..<2 {
                    try kept.write("GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                    let response = try kept.readResponse()
                    #expect(response.status == 200)
                    #expect(response.head.lowercased().contains("connection: keep-alive"))
                }
                var request = HTTPClientRequest("GET", server.url + "/openapi.yaml")
                request.version = .http10
                #expect(try await server.client.send(request).status == 200)
            }
        }

        @Test("Connections of HTTP/1.1 are kept for the next request")
        func keepAlive() async throws {
            try await LaurelProcess.run { server in
                let first = try await server.call("GET", "/health/live")
                #expect(first.newConnectionsCount == 1)
                for _ in 0..<10 {
                    #expect(try await server.call("POST", "/channels/a", "1").newConnectionsCount == 0)
                }
            }
        }

        @Test("A chunked content is one message")
        func chunked() async throws {
            try await LaurelProcess.run { server in
                let socket = try RawSocket(port: server.port)
                try socket.write(
                    "POST /channels/a HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "2\r\n[1\r\n3;ext=1\r\n,2]\r\n0\r\nTrailer: x\r\n\r\n")
                #expect(try socket.readResponse().status == 202)
                #expect(try await server.call("GET", "/receive?channels=a").text.contains(#""message":[1,2]"#))
            }
        }

        @Test(
            "What can never become a request is refused, and the connection closes",
            arguments: [
                "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}\u{01}", "GET / HTTP/1.1\r\nHost : l\r\n\r\n",
                "POST /channels/a HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1",
            ])
        func malformed(bytes: String) async throws {
            try await LaurelProcess.run { server in
                let socket = try RawSocket(port: server.port)
                try socket.write(bytes)
                let text = try socket.readToEnd()
                #expect(text.hasPrefix("HTTP/1.1 400 "))
                #expect(text.contains("/problems/bad-request"))
                #expect(try await server.call("GET", "/health/live").status == 200)
            }
        }

        @Test("Over a unix socket it is the same")
        func unixSocket() async throws {
            let path = "/tmp/laurel-\(UInt64.random(in: 0...UInt64.max)).sock"
            try await LaurelProcess.run(["--bind", "unix:\(path)"]) { server in
                var request = HTTPClientRequest("GET", "http://localhost/health/live")
                request.unixSocketPath = path
                let response = try await server.client.send(request)
                #expect(response.status == 200)
                #expect(server.errorText.contains("listening on unix:\(path)"))
            }
        }
    }
}

import HTTPClient
import Testing

extension Harness {
    @Suite("Behind nginx, with deploy/nginx.conf")
    struct ProxyTests {
        /// Runs nginx before a server; `body` has the proxy's socket.
        private func run(_ body: (LaurelProcess, String) async throws -> Void) async throws {
            try await LaurelProcess.run { server in
                try await NginxProcess.run(
                    { $0.replacing("127.0.0.1:8080", with: "127.0.0.1:\(server.port)") }
                ) { socket in try await body(server, socket) }
            }
        }

        private func request(_ method: String, _ target: String, _ socket: String) -> HTTPClientRequest {
            NginxProcess.request(method, target, socket)
        }

        @Test("Long-polls wait, are answered, and a hang-up at the proxy takes nothing")
        func longPolls() async throws {
            try await run { server, socket in
                let pollsCount = 100
                try await withThrowingTaskGroup(of: Delivery.self) { group in
                    for _ in 0..<pollsCount {
                        group.addTask {
                            try await server.client.send(request("GET", "/receive?channels=x&timeout=60", socket))
                                .decoded()
                        }
                    }
                    try await server.waitUntilParked(pollsCount, on: "x")
                    for n in 0..<pollsCount { try await server.send("\(n)", to: "x") }
                    let deliveries = try await group.reduce(into: []) { $0.append($1) }
                    #expect(Set(deliveries.map(\.id)).count == pollsCount)
                }
                let givenUp = Task {
                    try await server.client.send(request("GET", "/receive?channels=x&timeout=60", socket))
                }
                try await server.waitUntilParked(1, on: "x")
                givenUp.cancel()
                await #expect(throws: CancellationError.self) { try await givenUp.value }
                try await server.waitUntilParked(0, on: "x")
                try await server.send("1", to: "x")
                #expect(try await server.receive("x")?.message == "1")
            }
        }

        @Test("Names, large contents, problems and request ids pass as they are")
        func passesThrough() async throws {
            try await run { server, socket in
                let message = ContentTests.noise(16_000_000)
                var send = request("POST", "/channels/a%2Fb%20%25", socket)
                send.content = message
                send.fields = [("Content-Type", "application/octet-stream"), ("X-Request-Id", "mine-1")]
                let sent = try await server.client.send(send)
                #expect(sent.status == 202)
                #expect(sent["X-Request-Id"] == "mine-1")
                var receive = request("GET", "/receive?channel=a%2Fb%20%25", socket)
                receive.fields = [("Accept", "application/octet-stream")]
                let received = try await server.client.send(receive)
                #expect(received.content == message)
                let refused = try await server.client.send(request("GET", "/channels/", socket))
                #expect(refused.status == 400)
                #expect(refused.problem == "invalid-name")
            }
        }

        @Test("A page of the proxy's own host may call")
        func sameOrigin() async throws {
            try await run { server, socket in
                var own = request("GET", "/stats", socket)
                own.fields = [("Origin", "http://laurel.example")]
                let allowed = try await server.client.send(own)
                #expect(allowed.status == 200)
                own.fields = [("Origin", "http://other.example")]
                let refused = try await server.client.send(own)
                #expect(refused.problem == "origin-not-allowed")
            }
        }
    }
}

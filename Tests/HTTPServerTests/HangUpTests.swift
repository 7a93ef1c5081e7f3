import Glibc
import HTTPCore
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct HangUpTests {
    private static let wait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"
    private static let slow = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"

    enum Leaving: CaseIterable {
        case close, closeSending, reset

        func happen(to client: Client) {
            switch self {
            case .close: client.close()
            case .closeSending: client.closeSending()
            case .reset: client.reset()
            }
        }
    }

    @Test(
        "A client that leaves while its request waits ends the wait, and no byte is sent",
        arguments: Leaving.allCases, [true, false])
    func whileWaiting(leaving: Leaving, answersAtOnce: Bool) async throws {
        try await withServer(answersAtOnce: answersAtOnce) { server in
            let client = try server.client()
            try await client.send(Self.wait)
            try await server.journal.wait(for: "waiting")
            leaving.happen(to: client)
            try await server.journal.wait(for: "cancelled")
            try await server.journal.wait(for: "unsent")
            #expect(!server.journal.entries.contains("begun"))
        }
    }

    @Test("Requests that are pipelined behind the wait do not hide that the client left", arguments: [true, false])
    func pipelinedBehind(answersAtOnce: Bool) async throws {
        try await withServer(answersAtOnce: answersAtOnce) { server in
            let client = try server.client()
            try await client.send(Self.wait)
            try await server.journal.wait(for: "waiting")
            // More than the server would read at once, so that the FIN stands behind unread bytes.
            try await client.send(String(repeating: Self.slow, count: 2000))
            client.closeSending()
            try await server.journal.wait(for: "cancelled")
            try await server.journal.wait(for: "unsent")
            #expect(!server.journal.entries.contains("slow"))
            #expect(await client.isEnded())
        }
    }

    @Test("A client that had left before its request began to wait is noticed at once", arguments: [true, false])
    func leftBefore(answersAtOnce: Bool) async throws {
        try await withServer(answersAtOnce: answersAtOnce) { server in
            let client = try server.client()
            try await client.send(Self.slow + Self.wait)
            try await server.journal.wait(for: "slow")
            client.closeSending()
            // The next request shows that the server's loop has run on since.
            let other = try server.client()
            try await other.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await other.response()
            // Opens for the slow request only: the wait behind it must end by the hang-up.
            server.application.gate.openOnce()
            #expect(try await client.response().text == "slow")
            try await server.journal.wait(for: "unsent")
            #expect(server.journal.entries.suffix(3) == ["waiting", "cancelled", "unsent"])
        }
    }

    @Test("A wait that ends when the client has just left sends nothing", arguments: [true, false])
    func leftWhenAnswered(answersAtOnce: Bool) async throws {
        // By shutdown on a unix socket the hang-up is there at once. A FIN of TCP may take its time, even on one machine, and
        // close() sends none while a child that another test is just starting still has a copy of the descriptor.
        let path = "/tmp/http-server-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
        try await withServer(answersAtOnce: answersAtOnce, at: ListenAddress("unix:\(path)")!) { server in
            for _ in 0..<20 {
                let before = server.journal.entries.count { $0 == "unsent" }
                let client = try server.client()
                try await client.send(Self.wait)
                try await server.journal.wait(for: "waiting", count: before + 1)
                client.closeSending()
                // The loop may hear of the FIN before the gate opens or after: either way nothing goes out.
                server.application.gate.openOnce()
                try await server.journal.wait(for: "unsent", count: before + 1)
            }
            #expect(!server.journal.entries.contains("begun"))
        }
    }

    @Test("Where nothing waits, a client that closed its sending side gets its answers, all of them")
    func halfClose() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.slow + "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nend")
            client.closeSending()
            try await server.journal.wait(for: "slow")
            server.application.gate.open()
            #expect(try await client.response().text == "slow")
            #expect(try await client.response().text == "end")
            #expect(await client.isEnded())
            #expect(server.journal.entries.filter { $0 == "begun" }.count == 2)
        }
    }

    @Test("An answer to a client that was reset meanwhile is unsent")
    func resetWhileAnswering() async throws {
        try await withServer { server in
            let client = try server.client()
            try await client.send(Self.slow)
            try await server.journal.wait(for: "slow")
            client.reset()
            let other = try server.client()
            try await other.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await other.response()
            server.application.gate.open()
            try await server.journal.wait(for: "unsent")
        }
    }

    @Test("A client that leaves in the middle of a request ends the connection", arguments: Leaving.allCases)
    func midRequest(leaving: Leaving) async throws {
        try await withServer { server in
            for part in ["", "GET /ec", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"] {
                let client = try server.client()
                try await client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n" + part)
                _ = try await client.response()
                leaving.happen(to: client)
                if leaving == .closeSending { #expect(await client.isEnded()) }
                try await server.waitForConnections(atMost: 0)
            }
        }
    }
}

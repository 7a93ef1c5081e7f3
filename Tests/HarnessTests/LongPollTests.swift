import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Long-polls")
    struct LongPollTests {
        @Test("Hundreds wait at once, and each gets one message")
        func hundreds() async throws {
            try await LaurelProcess.run { server in
                let pollsCount = 400
                let received = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<pollsCount {
                        group.addTask { try await server.receive("x", timeout: 60)?.message.description ?? "nothing" }
                    }
                    try await server.waitUntilParked(pollsCount, on: "x")
                    for n in 0..<pollsCount { try await server.send("\(n)", to: "x") }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(received) == Set((0..<pollsCount).map(String.init)))
                #expect(try await server.status(of: "x").pending == 0)
            }
        }

        @Test("A waiting receiver hears of a message on any of its channels, and first come is first served")
        func firstComeFirstServed() async throws {
            try await LaurelProcess.run { server in
                async let first = server.receive("a,b", timeout: 60)
                try await server.waitUntilParked(1, on: "b")
                async let second = server.receive("b,c", timeout: 60)
                try await server.waitUntilParked(2, on: "b")
                try await server.send("1", to: "b")
                try await server.send("2", to: "b")
                #expect(try await first?.message == "1")
                #expect(try await second?.message == "2")
            }
        }

        @Test("Prefer: wait= waits as the parameter does; more than --max-wait is cut, and said so")
        func prefer() async throws {
            try await LaurelProcess.run(["--max-wait", "0.2"]) { server in
                let cut = try await server.call("GET", "/receive?channels=a", fields: [("Prefer", "wait=30")])
                #expect(cut.status == 204)
                #expect(cut.duration >= .milliseconds(200))
                #expect(cut["Preference-Applied"]?.hasPrefix("wait=") == true)
            }
            try await LaurelProcess.run { server in
                // The parameter wins: this does not wait at all, however slow the machine is.
                let atOnce = try await server.call(
                    "GET", "/receive?channels=a&timeout=0", fields: [("Prefer", "wait=300")])
                #expect(atOnce.status == 204)
            }
        }

        enum HangUp: CaseIterable {
            case end, reset
            case endBehindPipelinedBytes, resetBehindPipelinedBytes
        }

        @Test("A receiver that hangs up in its wait takes nothing", arguments: HangUp.allCases)
        func hangUp(_ kind: HangUp) async throws {
            try await LaurelProcess.run { server in
                let socketsCount = 50
                let sockets = try (0..<socketsCount).map { _ in
                    let socket = try RawSocket(port: server.port)
                    try socket.write("GET /receive?channels=x&timeout=60 HTTP/1.1\r\nHost: l\r\n\r\n")
                    return socket
                }
                try await server.waitUntilParked(socketsCount, on: "x")
                for socket in sockets {
                    if [.endBehindPipelinedBytes, .resetBehindPipelinedBytes].contains(kind) {
                        try socket.write("GET /receive?channels=x HTTP/1.1\r\nHost: l\r\n\r\nGET /sta")
                    }
                    switch kind {
                    case .end, .endBehindPipelinedBytes: socket.shutdownSending()
                    case .reset, .resetBehindPipelinedBytes: socket.reset()
                    }
                }
                try await server.waitUntilParked(0, on: "x")
                for n in 0..<socketsCount { try await server.send("\(n)", to: "x") }
                for n in 0..<socketsCount { #expect(try await server.receive("x")?.message.description == "\(n)") }
                // A connection whose client has gone is closed, not kept.
                if kind == .end {
                    for socket in sockets { #expect(try socket.readToEnd() == "") }
                }
            }
        }

        @Test("Messages sent while receivers hang up are delivered or stay: none is lost, none comes twice")
        func hangUpRace() async throws {
            try await LaurelProcess.run(["--capacity", "10000"]) { server in
                let messagesCount = 1000
                let received = try await withThrowingTaskGroup(of: [String].self) { group in
                    group.addTask {
                        for n in 0..<messagesCount { try await server.send("\(n)", to: "x") }
                        return []
                    }
                    for _ in 0..<4 {
                        group.addTask {
                            // A reset after the request: most of these never read what they were given.
                            for _ in 0..<200 {
                                let socket = try RawSocket(port: server.port)
                                try socket.write("GET /receive?channels=x&timeout=5 HTTP/1.1\r\nHost: l\r\n\r\n")
                                socket.reset()
                            }
                            return []
                        }
                    }
                    group.addTask {
                        var received: [String] = []
                        while received.count < messagesCount {
                            guard let delivery = try await server.receive("x", timeout: 2) else { break }
                            received.append(delivery.message.description)
                        }
                        return received
                    }
                    return try await group.reduce([], +)
                }
                #expect(received.count == Set(received).count)
                // What a hung-up receiver was given after its head had arrived is gone: at most one each. Nothing is said
                // of order: what came back to the head may follow younger ones that were taken meanwhile.
                let status = try await server.status(of: "x")
                #expect(status.sent == messagesCount)
                #expect(status.delivered == messagesCount - status.pending)
                #expect(messagesCount - received.count - status.pending <= 800)
            }
        }
    }
}

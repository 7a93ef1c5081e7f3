import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Large and odd contents")
    struct ContentTests {
        /// Every byte value, and no repetition that a lost block could hide in.
        static func noise(_ count: Int) -> [UInt8] {
            var state: UInt64 = 0x9E37_79B9_7F4A_7C15
            return (0..<count).map { _ in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return UInt8(truncatingIfNeeded: state)
            }
        }

        @Test("Bytes come out as they went in", arguments: [0, 1, 5_000_000, 16_777_216])
        func bitExact(count: Int) async throws {
            try await LaurelProcess.run { server in
                let bytes = Self.noise(count)
                var request = HTTPClientRequest("POST", server.url + "/channels/x")
                request.fields = [("Content-Type", "application/octet-stream")]
                request.content = bytes
                let sent = try await server.client.send(request)
                #expect(sent.status == 202)
                let received = try await server.call(
                    "GET", "/receive?channels=x", fields: [("Accept", "application/octet-stream")])
                #expect(received["Content-Type"] == "application/octet-stream")
                #expect(received["Laurel-Channel"] == "x")
                #expect(received.content == bytes)
                print("\(count) bytes in \(sent.duration), out \(received.duration), peak \(server.residentBytesPeak)")
            }
        }

        @Test("A JSON message of 5 MB comes out byte for byte, also to a receiver that waits")
        func largeJSON() async throws {
            try await LaurelProcess.run { server in
                let message =
                    #"{ "big": ""# + String(repeating: "é\\u00e9 ", count: 600_000)
                    + #"", "n": 9007199254740993, "z": -0.0 }"#
                async let waiting = server.call("GET", "/receive?channels=x&timeout=60")
                try await server.waitUntilParked(1, on: "x")
                let answer = try await server.send(message, to: "x")
                #expect(answer.pending == 0)
                let text = try await waiting.text
                #expect(text == #"{"channel":"x","id":"\#(answer.id)","message":\#(message)}"#)
            }
        }

        @Test("Expect: 100-continue is answered at once, and not where the head is refused")
        func expectContinue() async throws {
            try await LaurelProcess.run { server in
                let socket = try RawSocket(port: server.port)
                let head = "HTTP/1.1\r\nHost: l\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
                try socket.write("POST /channels/x " + head)
                #expect(try socket.readResponse().status == 100)
                try socket.write("1234")
                #expect(try socket.readResponse().status == 202)
                try socket.write("POST /nowhere " + head)
                #expect(try socket.readResponse().status == 404)
            }
        }

        @Test("A content over the limit is refused by its head, with the limit")
        func tooLarge() async throws {
            try await LaurelProcess.run(["--max-message", "5000000"]) { server in
                let response = try await server.call("POST", "/channels/x", String(repeating: "1", count: 5_000_001))
                #expect(response.status == 413)
                #expect(response.problem == "message-too-large")
                #expect(try response.decoded(as: Problem.self).limit == 5_000_000)
                #expect(
                    try await server.call("POST", "/channels/x", String(repeating: "1", count: 5_000_000)).status == 202
                )
            }
        }

        /// All printable characters of ASCII, in two names, as a name holds 200.
        static let names = [
            String(String.UnicodeScalarView((0x20...0x7E).map { Unicode.Scalar($0) })),
            ".", "..", "a/../b", "%2F", "+", " ", "a,b", "!", String(repeating: "~", count: 200),
        ]

        @Test("A name holds every printable character, wherever it is given", arguments: names)
        func everyCharacter(name: String) async throws {
            try await LaurelProcess.run { server in
                let encoded = name.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                let json = String(decoding: try JSONEncoder().encode([name]).dropFirst().dropLast(), as: UTF8.self)
                try await server.send("1", to: encoded)
                #expect(try await server.status(of: encoded).channel == name)
                let byQuery: Delivery = try await server.call("GET", "/receive?channel=\(encoded)").decoded()
                #expect(byQuery.channel == name)
                try await server.call("PUT", "/groups/\(encoded)/\(encoded)")
                let members: Members = try await server.call("GET", "/groups/\(encoded)").decoded()
                #expect(members.group == name)
                #expect(members.channels == [name])
                let batch = try await server.call(
                    "POST", "/batch", #"[{"channel":\#(json),"message":2},{"group":\#(json),"message":3}]"#)
                #expect(batch.status == 200)
                let byContent: Delivery = try await server.call("POST", "/receive", #"{"channels":[\#(json)]}"#)
                    .decoded()
                #expect(byContent.channel == name)
                #expect(byContent.message == "2")
                let bare = try await server.call(
                    "GET", "/receive?channel=\(encoded)", fields: [("Accept", "application/octet-stream")])
                #expect(bare["Laurel-Channel"]?.removingPercentEncoding == name)
                #expect(bare["Laurel-Group"]?.removingPercentEncoding == name)
                #expect(bare.text == "3")
            }
        }
    }
}

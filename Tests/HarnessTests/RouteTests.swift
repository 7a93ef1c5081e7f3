import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Every route, for the layer default and for another")
    struct RouteTests {
        static let prefixes = ["", "/layers/jobs"]

        private func run(_ body: (LaurelProcess) async throws -> Void) async throws {
            try await LaurelProcess.run(["--layer", "jobs=memory:?capacity=3"], body)
        }

        @Test("What is sent is received once", arguments: prefixes)
        func sendAndReceive(prefix: String) async throws {
            try await run { server in
                let sent = try await server.call("POST", "\(prefix)/channels/a", #"{"n": 1}"#)
                #expect(sent.status == 202)
                let answer: SendAnswer = try sent.decoded()
                #expect(answer.pending == 1)
                #expect(answer.capacity == (prefix.isEmpty ? 100 : 3))
                let received = try await server.call("GET", "\(prefix)/receive?channels=b,a")
                #expect(received.text == #"{"channel":"a","id":"\#(answer.id)","message":{"n": 1}}"#)
                #expect(received["Cache-Control"] == "no-store")
                #expect(try await server.call("GET", "\(prefix)/receive?channels=b,a").status == 204)
            }
        }

        @Test("POST /receive takes channels, timeout and max from its content", arguments: prefixes)
        func receiveByPost(prefix: String) async throws {
            try await run { server in
                for n in 1...3 { try await server.call("POST", "\(prefix)/channels/a", "\(n)") }
                let response = try await server.call(
                    "POST", "\(prefix)/receive", #"{"channels":["a"],"timeout":5,"max":2}"#)
                struct List: Decodable { let messages: [Delivery] }
                let list: List = try response.decoded()
                #expect(list.messages.map(\.message) == ["1", "2"])
            }
        }

        @Test("A new channel has a name that nobody else has", arguments: prefixes)
        func newChannel(prefix: String) async throws {
            try await run { server in
                struct Made: Decodable { let channel: String }
                let response = try await server.call("POST", "\(prefix)/channels", #"{"prefix":"reply."}"#)
                let made: Made = try response.decoded()
                #expect(response.status == 201)
                #expect(made.channel.hasPrefix("reply."))
                #expect(response["Location"] == "\(prefix)/channels/\(made.channel)")
                let other: Made = try await server.call("POST", "\(prefix)/channels").decoded()
                #expect(other.channel != made.channel)
            }
        }

        @Test("A full channel refuses, tells how full it is, and can be emptied", arguments: prefixes)
        func fullAndPurged(prefix: String) async throws {
            try await run { server in
                let capacity = prefix.isEmpty ? 100 : 3
                for n in 1...capacity {
                    #expect(try await server.call("POST", "\(prefix)/channels/a", "\(n)").status == 202)
                }
                let refused = try await server.call("POST", "\(prefix)/channels/a", "0")
                #expect(refused.status == 429)
                #expect(refused.problem == "channel-full")
                #expect(refused["Retry-After"] != nil)
                let status: ChannelStatus = try await server.call("GET", "\(prefix)/channels/a").decoded()
                #expect(status.pending == capacity)
                #expect(try await server.call("DELETE", "\(prefix)/channels/a").status == 204)
                #expect(try await server.call("GET", "\(prefix)/receive?channels=a").status == 204)
            }
        }

        @Test("A group send reaches its members, those excluded not", arguments: prefixes)
        func groups(prefix: String) async throws {
            try await run { server in
                for channel in ["ann", "bob", "cid"] {
                    #expect(try await server.call("PUT", "\(prefix)/groups/g/\(channel)?expiry=60").status == 204)
                }
                #expect(try await server.call("DELETE", "\(prefix)/groups/g/cid").status == 204)
                let first: Members = try await server.call("GET", "\(prefix)/groups/g?limit=1").decoded()
                #expect(first.channels == ["ann"])
                let next = try #require(first.next)
                let second: Members = try await server.call("GET", "\(prefix)/groups/g?limit=1&after=\(next)").decoded()
                #expect(second.channels == ["bob"])
                #expect(second.next == nil)
                let sent = try await server.call("POST", "\(prefix)/groups/g?exclude=bob", #""hi""#)
                #expect(sent.status == 202)
                #expect(try sent.decoded(as: SendAnswer.self).members == 1)
                let delivery: Delivery = try await server.call("GET", "\(prefix)/receive?channels=ann").decoded()
                #expect(delivery.group == "g")
                #expect(delivery.message == "hi")
                #expect(try await server.call("GET", "\(prefix)/receive?channels=bob,cid").status == 204)
                #expect(try await server.call("DELETE", "\(prefix)/groups/g").status == 204)
                let none: Members = try await server.call("GET", "\(prefix)/groups/g").decoded()
                #expect(none.channels.isEmpty)
            }
        }

        @Test("A batch of NDJSON is done line by line, each on its own", arguments: prefixes)
        func batch(prefix: String) async throws {
            try await run { server in
                try await server.call("PUT", "\(prefix)/groups/g/b")
                let lines = """
                    {"channel":"a","message":{"n":1},"expiry":5}
                    this is no JSON
                    {"group":"g","message":2,"exclude":["ann"]}
                    {"channel":"","message":3}
                    """
                let response = try await server.call(
                    "POST", "\(prefix)/batch", lines, fields: [("Content-Type", "application/x-ndjson")])
                struct Results: Decodable {
                    struct Result: Decodable {
                        let status: Int
                        let type: String?
                        let members: Int?
                    }
                    let results: [Result]
                }
                let results = try response.decoded(as: Results.self).results
                #expect(results.map(\.status) == [202, 400, 202, 400])
                #expect(results.map(\.type) == [nil, "/problems/invalid-json", nil, "/problems/invalid-name"])
                #expect(results[2].members == 1)
                let received = try await server.call("GET", "\(prefix)/receive?channels=a,b&max=5")
                #expect(received.text.contains(#""message":{"n":1}"#))
                #expect(received.text.contains(#""group":"g""#))
            }
        }

        @Test("Flush empties the layer and leaves the other alone", arguments: prefixes)
        func flush(prefix: String) async throws {
            try await run { server in
                for each in Self.prefixes {
                    try await server.call("POST", "\(each)/channels/a", "1")
                    try await server.call("PUT", "\(each)/groups/g/a")
                }
                #expect(try await server.call("POST", "\(prefix)/flush").status == 204)
                for each in Self.prefixes {
                    let status: ChannelStatus = try await server.call("GET", "\(each)/channels/a").decoded()
                    #expect(status.pending == (each == prefix ? 0 : 1))
                    #expect(status.groups == (each == prefix ? [] : ["g"]))
                }
            }
        }

        @Test("Totals count sends and group sends", arguments: prefixes)
        func stats(prefix: String) async throws {
            try await run { server in
                struct Stats: Decodable {
                    let sent, delivered, pending, groupSends, groupCopies, channels, groups, waiting, bytes: Int?
                    let uptime: Double?
                }
                try await server.call("PUT", "\(prefix)/groups/g/a")
                try await server.call("POST", "\(prefix)/groups/g", "1")
                try await server.call("POST", "\(prefix)/channels/a", "2")
                try await server.call("GET", "\(prefix)/receive?channels=a")
                let stats: Stats = try await server.call("GET", "\(prefix)/stats").decoded()
                #expect(stats.sent == 2)
                #expect(stats.delivered == 1)
                #expect(stats.pending == 1)
                #expect(stats.groupSends == 1)
                #expect(stats.groupCopies == 1)
                #expect(stats.groups == 1)
                #expect((stats.bytes ?? 0) > 0)
            }
        }

        @Test("The server says who it is, how it is, and what it speaks")
        func serverRoutes() async throws {
            try await run { server in
                struct Root: Decodable {
                    let name, version: String
                    let layers: [String]
                }
                let root: Root = try await server.call("GET", "/").decoded()
                #expect(root.layers.sorted() == ["default", "jobs"])
                #expect(try await server.call("GET", "/health/live").status == 200)
                #expect(try await server.call("GET", "/health/ready").status == 200)
                let contract = try await server.call("GET", "/openapi.yaml")
                #expect(contract.status == 200)
                #expect(contract.text.hasPrefix("openapi: 3.1"))
            }
        }

        @Test("Methods: HEAD like GET but on /receive, OPTIONS everywhere, 405 with Allow, 501 for the unknown")
        func methods() async throws {
            try await run { server in
                let head = try await server.call("HEAD", "/stats")
                #expect(head.status == 200)
                #expect(head.content.isEmpty)
                #expect(try await server.call("HEAD", "/receive?channels=a").status == 405)
                let options = try await server.call("OPTIONS", "/channels/a")
                #expect(options.status == 204)
                #expect(options["Allow"]?.contains("POST") == true)
                let wrong = try await server.call("PATCH", "/channels/a")
                #expect(wrong.status == 405)
                #expect(wrong["Allow"]?.contains("DELETE") == true)
                #expect(try await server.call("BREW", "/channels/a").status == 501)
            }
        }

        @Test(
            "What is wrong is told as a problem",
            arguments: [
                ("GET", "/nowhere", nil, 404, "not-found"),
                ("POST", "/channels/", "1", 400, "invalid-name"),
                ("POST", "/channels/a", "{", 400, "invalid-json"),
                ("POST", "/channels/a", "", 400, "invalid-json"),
                ("POST", "/channels/a?expiri=3", "1", 400, "invalid-parameter"),
                ("POST", "/channels/a?expiry=-1", "1", 400, "invalid-parameter"),
                ("GET", "/receive", nil, 400, "invalid-parameter"),
                ("GET", "/layers/none/stats", nil, 404, "not-found"),
            ] as [(String, String, String?, Int, String)])
        func problems(method: String, target: String, content: String?, status: Int, problem: String) async throws {
            try await run { server in
                let response = try await server.call(method, target, content)
                #expect(response.status == status)
                #expect(response.problem == problem)
                #expect(response["X-Request-Id"] != nil)
            }
        }
    }
}

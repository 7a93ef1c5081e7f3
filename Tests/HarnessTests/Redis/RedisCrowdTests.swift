import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Crowds on Redis")
    struct RedisCrowdTests {
        @Test("10,000 receivers over two servers need a few connections to Redis, and one group send answers each once")
        func groupSend() async throws {
            let pollsCount = 10_000
            try Self.allowDescriptors(pollsCount + 500)
            try await RedisProcess.run { redis in
                try await LaurelProcess.run(["--backend", redis.url]) { first in
                    try await LaurelProcess.run(["--backend", redis.url]) { second in
                        try await join(pollsCount, to: "g", on: [first, second])
                        let answers = try await withThrowingTaskGroup(of: Delivery.self) { polls in
                            for number in 0..<pollsCount {
                                let server = number.isMultiple(of: 2) ? first : second
                                polls.addTask {
                                    var request = HTTPClientRequest(
                                        "GET", server.url + "/receive?channels=c\(number)&timeout=100")
                                    request.reusesConnection = false
                                    return try await server.client.send(request).decoded()
                                }
                            }
                            for server in [first, second] { try await server.waitUntilWaiting(pollsCount / 2) }
                            let clients = try await redis.command("CLIENT", "LIST").split(separator: "\n")
                            print("\(clients.count) connections to Redis, one of them this look")
                            #expect(clients.count < 10)
                            let begin = ContinuousClock.now
                            // Through one of them: the other one's receivers hear of it by a bell.
                            let sent = try await first.call("POST", "/groups/g", #""to all""#)
                            #expect(try sent.decoded(as: SendAnswer.self).members == pollsCount)
                            let answers = try await polls.reduce(into: []) { $0.append($1) }
                            print("\(pollsCount) receivers on two servers answered in \(ContinuousClock.now - begin)")
                            return answers
                        }
                        #expect(Set(answers.map(\.channel)).count == pollsCount)
                        #expect(Set(answers.map(\.id)).count == 1)
                        #expect(answers.allSatisfy { $0.message == "to all" && $0.group == "g" })
                        for server in [first, second] {
                            try await server.waitUntilWaiting(0)
                            for number in [0, 1, pollsCount - 1] {
                                #expect(try await server.receive("c\(number)") == nil)
                            }
                        }
                    }
                }
            }
        }

        /// Each poll is a descriptor here, and one in a server.
        private static func allowDescriptors(_ count: Int) throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try #require(limit.rlim_cur >= count, "ulimit -n must allow \(count)")
        }

        private func join(_ count: Int, to group: String, on servers: [LaurelProcess]) async throws {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for worker in 0..<32 {
                    tasks.addTask {
                        for number in stride(from: worker, to: count, by: 32) {
                            let answer = try await servers[number % servers.count]
                                .call("PUT", "/groups/\(group)/c\(number)")
                            try #require(answer.status == 204, "\(answer.text)")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }
}

private struct Waiting: Decodable {
    let waiting: Int
}

extension LaurelProcess {
    /// Asks until so many receivers wait at this server, on whatever.
    fileprivate func waitUntilWaiting(_ count: Int) async throws {
        try await eventually("\(count) receivers wait") {
            try await call("GET", "/stats").decoded(as: Waiting.self).waiting == count
        }
    }
}

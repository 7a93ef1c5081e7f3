import Foundation
import HTTPClient
import Testing

extension Harness {
    @Suite("Crowds")
    struct Crowds {
        /// Connections of these tests: each is a descriptor here and one in the server.
        private static func allowDescriptors(_ count: Int) throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try #require(limit.rlim_cur >= count, "ulimit -n must allow \(count)")
        }

        @Test("10,000 receivers in wait are all answered by one group send, none twice")
        func groupSend() async throws {
            try Self.allowDescriptors(10_500)
            try await LaurelProcess.run { server in
                let pollsCount = 10_000
                try await join(pollsCount, to: "g", on: server)
                let residentBefore = server.residentBytes
                let deliveries = try await withThrowingTaskGroup(of: Delivery.self) { group in
                    for n in 0..<pollsCount {
                        group.addTask {
                            var request = HTTPClientRequest(
                                "GET", server.url + "/receive?channels=c\(n),all&timeout=300")
                            request.reusesConnection = false
                            return try await server.client.send(request).decoded()
                        }
                    }
                    try await server.waitUntilParked(pollsCount, on: "all")
                    let bytesPerPoll = (server.residentBytes - residentBefore) / pollsCount
                    print("resident memory of a receiver in wait: \(bytesPerPoll) bytes")
                    let begin = ContinuousClock.now
                    let sent = try await server.call("POST", "/groups/g", #""to all""#)
                    #expect(try sent.decoded(as: SendAnswer.self).members == pollsCount)
                    let deliveries = try await group.reduce(into: []) { $0.append($1) }
                    print("\(pollsCount) receivers answered in \(ContinuousClock.now - begin)")
                    return deliveries
                }
                #expect(Set(deliveries.map(\.channel)).count == pollsCount)
                #expect(Set(deliveries.map(\.id)).count == 1)
                #expect(deliveries.allSatisfy { $0.message == "to all" && $0.group == "g" })
                let again = try await server.call("GET", "/receive?channels=c0,c1,c9999")
                #expect(again.status == 204)
                #expect(try await server.status(of: "all").waiting == 0)
            }
        }

        private func join(_ count: Int, to group: String, on server: LaurelProcess) async throws {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for worker in 0..<32 {
                    tasks.addTask {
                        for n in stride(from: worker, to: count, by: 32) {
                            try await server.call("PUT", "/groups/\(group)/c\(n)")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }

        @Test("Group sends that nobody reads end in 503 layer-full, with memory bounded, and the server goes on")
        func memoryLimit() async throws {
            let limit = 32 << 20
            try await LaurelProcess.run(["--memory-limit", "\(limit)", "--expiry", "600"]) { server in
                try await join(1000, to: "g", on: server)
                let residentBefore = server.residentBytes
                let entry = #"{"group":"g","message":"\#(String(repeating: "x", count: 64))"}"#
                let batch = "[" + Array(repeating: entry, count: 1000).joined(separator: ",") + "]"
                var refusedCount = 0
                for _ in 0..<1000 {
                    let response = try await server.call("POST", "/batch", batch)
                    refusedCount += response.text.ranges(of: "/problems/layer-full").count
                }
                #expect(refusedCount > 0)
                let grown = server.residentBytesPeak - residentBefore
                print(
                    "1,000,000 group sends: \(refusedCount) refused, \(grown >> 20) MiB grown for a limit of \(limit >> 20)"
                )
                #expect(grown < 3 * limit)
                #expect(try await server.call("POST", "/channels/x", "1").problem == "layer-full")
                #expect(try await server.receive("c0") != nil)
                #expect(try await server.call("POST", "/flush").status == 204)
                #expect(try await server.call("POST", "/channels/x", "1").status == 202)
            }
        }
    }
}

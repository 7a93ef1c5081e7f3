import HTTPClient
import Testing

extension Harness {
    @Suite("Order and at-most-once over several loops")
    struct OrderTests {
        @Test("Many senders and receivers: nothing lost, nothing twice, each sender's order kept")
        func manyToMany() async throws {
            let (sendersCount, receiversCount, perSenderCount) = (8, 8, 500)
            try await LaurelProcess.run(["--loops", "4", "--capacity", "100000"]) { server in
                let received = try await withThrowingTaskGroup(of: [(id: String, message: Int)].self) { group in
                    for sender in 0..<sendersCount {
                        group.addTask {
                            for n in 0..<perSenderCount { try await server.send("\(sender * 1_000_000 + n)", to: "x") }
                            return []
                        }
                    }
                    for _ in 0..<receiversCount {
                        group.addTask {
                            var received: [(id: String, message: Int)] = []
                            while let delivery = try await server.receive("x,y", timeout: 2) {
                                received.append((delivery.id, Int(delivery.message.description)!))
                            }
                            return received
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let all = received.flatMap { $0 }
                #expect(all.count == sendersCount * perSenderCount)
                #expect(Set(all.map(\.id)).count == all.count)
                #expect(Set(all.map(\.message)).count == all.count)
                // One receiver takes one message after the other: what it gets is in order, of each sender and over all.
                for list in received {
                    let byAge = list.map(\.id).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
                    #expect(list.map(\.id) == byAge)
                    for sender in 0..<sendersCount {
                        let own = list.map(\.message).filter { $0 / 1_000_000 == sender }
                        #expect(own == own.sorted())
                    }
                }
            }
        }
    }
}

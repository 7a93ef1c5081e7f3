import Channels

extension ConformanceRule {
    static let ordering = [inOrder, inOrderUnderConcurrency, oldestFirst, starvation]

    static let inOrder = ConformanceRule(
        "ordering.channel", "Messages leave a channel in the order in which they were sent", [.specification(6)]
    ) { trial in
        let texts = (1...20).map(String.init)
        for text in texts { try await trial.send(text, to: "a") }
        var taken: [String] = []
        for messagesMax in [1, 3, 1, 7, 8] { taken += try await trial.take("a", max: messagesMax).map(\.text) }
        try trial.requireEqual(taken, texts, "in order of takes")
    }

    /// One receiver only, so that its order is that of the takes.
    static let inOrderUnderConcurrency = ConformanceRule(
        "ordering.concurrency", "Each sender's messages keep their order, although many send at once",
        [.specification(6), .semantics(.sequence)],
        settings: { settings, _ in settings.capacity = 1000 }
    ) { trial in
        let (senders, perSender) = (4, 100)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for sender in 0..<senders {
                tasks.addTask {
                    for number in 0..<perSender { try await trial.send("\(sender * 1000 + number)", to: "a") }
                }
            }
            tasks.addTask {
                var taken: [Delivery] = []
                while taken.count < senders * perSender {
                    let deliveries = try await trial.take("a", max: 3)
                    taken += deliveries
                    try Task.checkCancellation()
                    if deliveries.isEmpty { await Task.yield() }
                }
                for (before, after) in zip(taken, taken.dropFirst()) where after.id <= before.id {
                    throw Breach(expected: "ids that grow with each take", seen: "\(after.id) after \(before.id)")
                }
                for sender in 0..<senders {
                    let own = taken.compactMap { Int($0.text) }.filter { $0 / 1000 == sender }
                    let sent = (0..<perSender).map { sender * 1000 + $0 }
                    try trial.requireEqual(own, sent, "sender \(sender)'s messages")
                }
            }
            try await tasks.waitForAll()
        }
    }

    static let oldestFirst = ConformanceRule(
        "ordering.oldest-first", "A receive from several channels takes the oldest message of all of them",
        [.specification(15), .semantics(.sequence)]
    ) { trial in
        guard trial.subject.ordersAcrossChannels else {
            throw Absence(reason: "the backend orders its channels by shard")
        }
        let channels = ["c", "a", "b", "c", "c", "b", "a", "inbox!x", "a", "c"]
        for (number, channel) in channels.enumerated() { try await trial.send("\(number)", to: channel) }
        var taken: [String] = []
        for messagesMax in [1, 1, 3, 1, 4] {
            taken += try await trial.take("b", "inbox!x", "a", "c", max: messagesMax).map(\.text)
        }
        try trial.requireEqual(taken, channels.indices.map { "\($0)" }, "oldest first")
    }

    static let starvation = ConformanceRule(
        "ordering.starvation", "A busy channel does not drown out an old message in another", [.specification(15)]
    ) { trial in
        let takesMax = 50
        // Once where the busy one is named first, once where it is named last.
        for (busy, quiet, isFirst) in [("busy1", "quiet1", true), ("busy2", "quiet2", false)] {
            for number in 1...3 { try await trial.send("\(number)", to: busy) }
            try await trial.send("old", to: quiet)
            var takes = 0
            var isFound = false
            while !isFound, takes < takesMax {
                takes += 1
                try await trial.send("new", to: busy)
                let deliveries =
                    try await isFirst ? trial.take(busy, quiet) : trial.take(quiet, busy)
                isFound = deliveries.contains { $0.text == "old" }
            }
            try trial.require(
                isFound, "an old message within \(takesMax) takes from its channel and a busy one", seen: "none")
        }
    }
}

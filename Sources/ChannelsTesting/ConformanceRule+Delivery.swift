import Channels

extension ConformanceRule {
    static let delivery = [
        asSent, nothingThere, once, onceAmongMany, neverBlocks, ids, atMostSoMany, bytesAtMost,
    ]

    static let asSent = ConformanceRule(
        "delivery.as-sent", "What is sent onto a channel is received from it as it was sent",
        [.specification(1), .specification(2)]
    ) { trial in
        let messages = [
            Message(content: Array(#"{"a":[9007199254740993,-0.0]}"#.utf8)),
            Message(content: Array("Grüße".utf8), contentType: "text/plain; charset=utf-8", isJSON: false),
            Message(content: Array(#"{ "b" : 1 }"#.utf8), contentType: "application/problem+json", isJSON: true),
        ]
        var sent: [MessageID] = []
        for message in messages { sent.append(try await trial.send(message, to: "a").id) }
        for (message, id) in zip(messages, sent) {
            let elsewhere = try await trial.take("b")
            try trial.requireEqual(elsewhere.count, 0, "messages in a channel that was not sent to")
            let deliveries = try await trial.take("a")
            try trial.requireEqual(deliveries.map(\.message), [message], "the message")
            try trial.requireEqual(deliveries.map(\.id), [id], "the id, as the send answered it")
            try trial.requireEqual(deliveries.map(\.channel.rawValue), ["a"], "the delivery's channel")
            try trial.requireEqual(deliveries.map(\.group), [nil], "the group of a direct send")
        }
    }

    static let nothingThere = ConformanceRule(
        "delivery.nothing-there", "A receive from channels where nothing waits answers with nothing, at once",
        [.specification(2)]
    ) { trial in
        try await trial.send("1", to: "other")
        let limit = trial.subject.answerLimit
        let deliveries = try await finished(within: limit) { try await trial.take("a", "b", "c", max: 10) }
        try trial.requireEqual(deliveries.map { $0.map(\.text) }, [], "deliveries within \(limit)")
        try await trial.requireMessages(["1"], in: "other", "which nobody had received from")
    }

    static let once = ConformanceRule(
        "delivery.once", "A message that was taken is not delivered again", [.specification(7)]
    ) { trial in
        for number in 1...5 { try await trial.send("\(number)", to: "a") }
        let first = try await trial.take("a", max: 2)
        try trial.requireEqual(first.map(\.text), ["1", "2"], "the first two")
        // A name given twice is one channel.
        let next = try await trial.take("a", "a", max: 2)
        try trial.requireEqual(next.map(\.text), ["3", "4"], "the next two")
        try await trial.requireMessages(["5"], in: "a", "after four of five were taken")
    }

    static let onceAmongMany = ConformanceRule(
        "delivery.once-among-many", "At most one receive gets a message, however many ask at once",
        [.specification(7)],
        settings: { settings, _ in settings.capacity = 1000 }
    ) { trial in
        let count = 400
        for number in 0..<count { try await trial.send("\(number)", to: "a\(number % 2)") }
        let taken = try await withThrowingTaskGroup(of: [MessageID].self) { tasks in
            for receiver in 0..<8 {
                tasks.addTask {
                    var ids: [MessageID] = []
                    while true {
                        let deliveries = try await trial.take("a0", "a1", max: 1 + receiver % 3)
                        if deliveries.isEmpty { return ids }
                        ids += deliveries.map(\.id)
                    }
                }
            }
            return try await tasks.reduce(into: [MessageID: Int]()) { counts, ids in
                for id in ids { counts[id, default: 0] += 1 }
            }
        }
        let doubled = taken.values.count { $0 > 1 }
        try trial.requireEqual(doubled, 0, "messages that more than one of eight receivers got")
        try trial.requireEqual(taken.count, count, "messages that somebody got")
    }

    static let neverBlocks = ConformanceRule(
        "delivery.never-blocks", "A send waits neither for a receiver nor for room", [.specification(8)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        let limit = trial.subject.answerLimit
        for number in 1...4 {
            let end: Void? = try await finished(within: limit) {
                _ = try await trial.sendUnlessFull("\(number)", to: "a")
            }
            try trial.require(
                end != nil, "an answer within \(limit) to send \(number) to a channel of 2", seen: "none")
        }
    }

    static let ids = ConformanceRule(
        "delivery.ids", "No two sends get one id, and ids grow with each send to a channel",
        [.semantics(.sequence)]
    ) { trial in
        var all: Set<MessageID> = []
        var last: [String: MessageID] = [:]
        for round in 0..<20 {
            for channel in ["a", "b", "inbox!x"] {
                let id = try await trial.send("\(round)", to: channel).id
                try trial.require(all.insert(id).inserted, "a new id for each send", seen: "\(id) twice")
                if let before = last[channel] {
                    try trial.require(before < id, "an id greater than \(before)", seen: "\(id)")
                }
                last[channel] = id
            }
        }
    }

    static let atMostSoMany = ConformanceRule(
        "delivery.messages-max", "A receive takes as many messages as are there, and no more than it asked for",
        [.specification(2)]
    ) { trial in
        for number in 1...7 { try await trial.send("\(number)", to: number < 5 ? "a" : "b") }
        let one = try await trial.take("a", "b", max: 1)
        try trial.requireEqual(one.count, 1, "taken with a maximum of 1")
        let four = try await trial.take("a", "b", max: 4)
        try trial.requireEqual(four.count, 4, "taken with a maximum of 4, of 6")
        let rest = try await trial.take("a", "b", max: 100)
        try trial.requireEqual(rest.count, 2, "taken with a maximum of 100, of 2")
    }

    static let bytesAtMost = ConformanceRule(
        "delivery.content-bytes-max",
        "A receive takes no more content than it asked for, but for the first message, which always fits",
        [.specification(2)]
    ) { trial in
        for text in ["1111", "2222", "33"] { try await trial.send(text, to: "a") }
        let name = try ChannelName("a")
        for (bytesMax, expected) in [(1, ["1111"]), (5, ["2222"]), (5, ["33"])] {
            let taken = try await trial.backend.receiveMany(
                [name], options: ReceiveOptions(messagesMax: 10, contentBytesMax: bytesMax))
            try trial.requireEqual(taken.map(\.text), expected, "taken with at most \(bytesMax) bytes")
        }
    }
}

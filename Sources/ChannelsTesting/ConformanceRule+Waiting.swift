import Channels

extension ConformanceRule {
    static let waiting = [
        answersAtOnce, servedBySend, timeLimit, deadlinePassed, severalNames, oneEach, firstComeFirstServed,
        groupSendServes, allCopiesAtOnce, manyWait,
    ]

    static let answersAtOnce = ConformanceRule(
        "waiting.at-once", "A receive that may wait does not, where a message is there", [.specification(12)]
    ) { trial in
        for number in 1...3 { try await trial.send("\(number)", to: "a") }
        let first = try await trial.startReceive("b", "a").texts()
        try trial.requireEqual(first, ["1"], "what was there")
        let rest = try await trial.startReceive("a", max: 10).texts()
        try trial.requireEqual(rest, ["2", "3"], "all that was there")
    }

    static let servedBySend = ConformanceRule(
        "waiting.served", "A receiver that waits gets the message that is sent then, and nobody else does",
        [.specification(12), .specification(7), .semantics(.waiting)]
    ) { trial in
        for round in 1...20 {
            let wait = try trial.startReceive("a", max: 1 + round % 2)
            if round % 4 != 0 { try await trial.receiversWait(1) }
            let receipt = try await trial.send("\(round)", to: "a", expiry: .seconds(600))
            let deliveries = try await wait.deliveries()
            try trial.requireEqual(deliveries.map(\.text), ["\(round)"], "what the receiver got")
            try trial.requireEqual(deliveries.map(\.id), [receipt.id], "its id")
        }
        try await trial.requireMessages([], in: "a", "all of which receivers in wait had got")
    }

    static let timeLimit = ConformanceRule(
        "waiting.time-limit", "At its time limit, and not before, a wait ends with nothing, and takes nothing later",
        [.specification(12), .semantics(.waiting), .semantics(.bounded)]
    ) { trial in
        // Short, as it is waited for where time is real.
        let limit = Duration.milliseconds(300)
        let begin = trial.now
        let wait = try trial.startReceive("a", for: limit)
        // Real time goes on meanwhile, and might end it before anybody has seen it wait.
        if trial.subject.time == .movedByHand {
            try await trial.receiversWait(1)
            try await trial.pass(limit - .milliseconds(1))
            try await trial.receiversWait(1)
            try await trial.pass(.milliseconds(1))
        }
        let texts = try await wait.texts()
        let waited = begin.duration(to: trial.now)
        try trial.requireEqual(texts, [], "what a receiver got where nothing was sent")
        try trial.require(waited >= limit, "a wait of \(limit) at least", seen: "\(waited)")
        try await trial.send("1", to: "a")
        try await trial.requireMessages(["1"], in: "a", "sent after the wait had ended")
    }

    static let deadlinePassed = ConformanceRule(
        "waiting.deadline-passed", "Where the time limit has passed already, a receive takes what is there, or nothing",
        [.specification(12)]
    ) { trial in
        let nothing = try await trial.startReceive("a", for: .zero).texts()
        try trial.requireEqual(nothing, [], "what was there")
        try await trial.send("1", to: "a")
        let something = try await trial.startReceive("a", for: .seconds(-1)).texts()
        try trial.requireEqual(something, ["1"], "what was there")
    }

    static let severalNames = ConformanceRule(
        "waiting.several-channels", "A receiver that waits on several channels gets what is sent to any of them, once",
        [.specification(12), .semantics(.waiting)]
    ) { trial in
        for channel in ["c", "a", "b"] {
            let wait = try trial.startReceive("a", "b", "c")
            try await trial.receiversWait(1)
            try await trial.send(channel, to: channel)
            let deliveries = try await wait.deliveries()
            try trial.requireEqual(deliveries.map(\.channel.rawValue), [channel], "the delivery's channel")
            for other in ["a", "b", "c"] { try await trial.send("later", to: other) }
            for other in ["a", "b", "c"] {
                try await trial.requireMessages(["later"], in: other, "after '\(channel)' had served the receiver")
            }
        }
    }

    static let oneEach = ConformanceRule(
        "waiting.one-each", "One message ends one wait; the others go on until they get theirs",
        [.specification(7), .specification(12), .semantics(.waiting)]
    ) { trial in
        let waits = try (0..<5).map { _ in try trial.startReceive("a") }
        try await trial.receiversWait(waits.count)
        for number in 0..<waits.count { try await trial.send("\(number)", to: "a") }
        var texts: [String] = []
        for wait in waits { texts += try await wait.texts() }
        try trial.requireEqual(texts.sorted(), (0..<waits.count).map(String.init), "what five receivers got of five")
        try await trial.requireMessages([], in: "a", "all of which receivers in wait had got")
    }

    static let firstComeFirstServed = ConformanceRule(
        "waiting.first-come", "Receivers are served in the order in which they came",
        [.semantics(.waiting)]
    ) { trial in
        var waits: [PendingReceive] = []
        for count in 1...4 {
            // Each on two channels, so that it is not the order of one list alone.
            waits.append(try count.isMultiple(of: 2) ? trial.startReceive("a", "b") : trial.startReceive("b", "a"))
            guard try await trial.receiversWait(count) else {
                throw Absence(reason: "the backend does not tell how many receivers wait")
            }
        }
        for (number, wait) in waits.enumerated() {
            try await trial.send("\(number)", to: number < 2 ? "a" : "b")
            let texts = try await wait.texts()
            try trial.requireEqual(texts, ["\(number)"], "what receiver \(number) got of the messages from 0")
        }
    }

    static let groupSendServes = ConformanceRule(
        "waiting.group-send", "A group send ends the waits on its members, and the other members find their copies",
        [.specification(12), .specification(13), .semantics(.waiting), .semantics(.groups)]
    ) { trial in
        let members = (0..<12).map { "m\($0)" }
        for member in members { try await trial.join(member, to: "g") }
        let waits = try members.prefix(8).map { try trial.startReceive($0) }
        try await trial.receiversWait(waits.count)
        try await trial.sendGroup("1", to: "g", excluding: ["m0", "m11"])
        try await trial.sendGroup("2", to: "g")
        for (member, wait) in zip(members, waits) {
            let texts = try await wait.texts()
            try trial.requireEqual(texts, member == "m0" ? ["2"] : ["1"], "what the receiver on '\(member)' got")
            let rest = member == "m0" ? [] : ["2"]
            try await trial.requireMessages(rest, in: member, "whose receiver had got the first copy")
        }
        for member in members.dropFirst(8) {
            let expected = member == "m11" ? ["2"] : ["1", "2"]
            try await trial.requireMessages(expected, in: member, "on which nobody waited")
        }
    }

    static let allCopiesAtOnce = ConformanceRule(
        "waiting.all-copies",
        "A receiver that waits for several messages gets all copies of a group send to its channels",
        [.semantics(.waiting), .semantics(.groups)]
    ) { trial in
        guard trial.subject.ordersAcrossChannels else {
            throw Absence(reason: "the backend sends to its shards one after the other")
        }
        for member in ["a", "b", "c", "d"] { try await trial.join(member, to: "g") }
        let wait = try trial.startReceive("a", "b", "c", max: 10)
        let narrow = try trial.startReceive("d", max: 1)
        try await trial.receiversWait(2)
        try await trial.sendGroup("1", to: "g")
        let deliveries = try await wait.deliveries()
        try trial.requireEqual(deliveries.map(\.channel.rawValue).sorted(), ["a", "b", "c"], "whose copies it got")
        let texts = try await narrow.texts()
        try trial.requireEqual(texts, ["1"], "what the other receiver got")
        for channel in ["a", "b", "c", "d"] { try await trial.requireMessages([], in: channel, "after all copies") }
    }

    static let manyWait = ConformanceRule(
        "waiting.many", "However many receivers wait, other operations go on, and each receiver is served",
        [.specification(12), .semantics(.waiting)]
    ) { trial in
        let count = 200
        let waits = try (0..<count).map { try trial.startReceive("w\($0)") }
        try await trial.receiversWait(count)
        try await trial.send("1", to: "a")
        try await trial.requireMessages(["1"], in: "a", "while \(count) receivers waited elsewhere")
        for number in 0..<count { try await trial.send("\(number)", to: "w\(number)") }
        for (number, wait) in waits.enumerated() {
            let texts = try await wait.texts()
            try trial.requireEqual(texts, ["\(number)"], "what the receiver on 'w\(number)' got")
        }
    }
}

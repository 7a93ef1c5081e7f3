import Channels

/// Whom a group send reaches.
extension ConformanceRule {
    static let groupSends = [
        onceToEach, exclusion, lateJoiner, notReplayed, staysAfterDiscard, staysAfterLapse, staysAfterRemoval,
        severalGroups, membersTold, nobody, groupSendConcurrency, groupSendCost,
    ]

    static let onceToEach = ConformanceRule(
        "group-sends.each", "A group send reaches each member once, and nobody else, under the id that it answers",
        [.specification(13), .specification(7), .semantics(.groups)]
    ) { trial in
        for channel in ["a", "b", "c"] { try await trial.join(channel, to: "g") }
        try await trial.join("a", to: "g")
        try await trial.join("stranger", to: "h")
        let first = try await trial.sendGroup("1", to: "g")
        let second = try await trial.sendGroup("2", to: "g")
        try trial.requireGrowth(from: first, to: second)
        for channel in ["a", "b", "c"] {
            let copies = try await trial.take(channel, max: 5)
            try trial.requireEqual(copies.map(\.text), ["1", "2"], "copies in '\(channel)'")
            try trial.requireEqual(copies.map(\.channel.rawValue), [channel, channel], "their channel")
            for (copy, receipt) in zip(copies, [first, second]) {
                // By the default, each copy has an id of its own, and says its group where the backend keeps that.
                if let id = receipt.id { try trial.requireEqual(copy.id, id, "its id") }
                guard receipt.id != nil || copy.group != nil else { continue }
                try trial.requireEqual(copy.group?.rawValue, "g", "its group")
            }
        }
        for channel in ["stranger", "g"] { try await trial.requireMessages([], in: channel, "which is no member") }
    }

    static let exclusion = ConformanceRule(
        "group-sends.exclusion", "Excluded channels get no copy, and everybody else does",
        [.specification(13), .semantics(.groups)]
    ) { trial in
        for channel in ["a", "b", "c"] { try await trial.join(channel, to: "g") }
        try await trial.sendGroup("1", to: "g", excluding: ["b"])
        try await trial.sendGroup("2", to: "g", excluding: ["a", "stranger", "a"])
        try await trial.sendGroup("3", to: "g")
        try await trial.sendGroup("4", to: "g", excluding: ["a", "b", "c"])
        try await trial.requireMessages(["1", "3"], in: "a", "excluded from 2 and 4")
        try await trial.requireMessages(["2", "3"], in: "b", "excluded from 1 and 4")
        try await trial.requireMessages(["1", "2", "3"], in: "c", "excluded from 4")
        try await trial.requireMessages([], in: "stranger", "excluded, and no member")
    }

    static let lateJoiner = ConformanceRule(
        "group-sends.late-joiner", "Who joins gets nothing of what was sent before", [.semantics(.groups)]
    ) { trial in
        try await trial.join("a", to: "g")
        try await trial.sendGroup("1", to: "g")
        try await trial.join("late", to: "g")
        try await trial.sendGroup("2", to: "g")
        try await trial.requireMessages(["2"], in: "late", "which joined after 1")
        try await trial.requireMessages(["1", "2"], in: "a", "which was there before")
    }

    static let notReplayed = ConformanceRule(
        "group-sends.not-replayed", "What was sent while a channel was no member does not reach it later",
        [.semantics(.groups)]
    ) { trial in
        try await trial.join("stays", to: "g")
        try await trial.join("a", to: "g", expiry: trial.span)
        try await trial.passExpiry(trial.span)
        try await trial.sendGroup("1", to: "g")
        try await trial.join("a", to: "g")
        try await trial.sendGroup("2", to: "g")
        try await trial.leave("a", from: "g")
        try await trial.sendGroup("3", to: "g")
        try await trial.join("a", to: "g")
        try await trial.sendGroup("4", to: "g")
        try await trial.requireMessages(["2", "4"], in: "a", "which had lapsed before 1 and left before 3")
        try await trial.requireMessages(["1", "2", "3", "4"], in: "stays", "which was a member all the time")
    }

    static let staysAfterDiscard = ConformanceRule(
        "group-sends.stays-after-discard", "What was sent to a member stays sent after it has left",
        [.semantics(.groups)]
    ) { trial in
        for channel in ["a", "b"] { try await trial.join(channel, to: "g") }
        try await trial.sendGroup("1", to: "g")
        try await trial.leave("a", from: "g")
        try await trial.sendGroup("2", to: "g")
        try await trial.requireMessages(["1"], in: "a", "which left after 1")
        try await trial.requireMessages(["1", "2"], in: "b", "which stayed")
    }

    static let staysAfterLapse = ConformanceRule(
        "group-sends.stays-after-lapse", "What was sent to a member stays sent after its membership has lapsed",
        [.semantics(.groups)]
    ) { trial in
        let (_, attempt, expiry) = try await trial.beforeExpiry { expiry, attempt in
            try await trial.join("a\(attempt)", to: "g\(attempt)", expiry: expiry)
            try await trial.sendGroup("1", to: "g\(attempt)", expiry: .seconds(600))
        } look: { _ in
        }
        try await trial.passExpiry(expiry)
        try await trial.sendGroup("2", to: "g\(attempt)")
        try await trial.requireMessages(["1"], in: "a\(attempt)", "whose membership lapsed between 1 and 2")
    }

    static let staysAfterRemoval = ConformanceRule(
        "group-sends.stays-after-removal", "What was sent to a group stays sent after the group was removed",
        [.semantics(.groups)]
    ) { trial in
        try await trial.join("a", to: "g")
        try await trial.sendGroup("1", to: "g")
        try await trial.removeGroup("g")
        let receipt = try await trial.sendGroup("2", to: "g")
        if let members = receipt.members { try trial.requireEqual(members, 0, "members of a removed group") }
        try await trial.requireMessages(["1"], in: "a", "whose group was removed after 1")
    }

    static let severalGroups = ConformanceRule(
        "group-sends.order", "What comes by several groups and what is sent directly is in the order of sends",
        [.specification(6), .specification(13), .semantics(.sequence)]
    ) { trial in
        for group in ["g", "h"] { try await trial.join("a", to: group) }
        var expected: [String] = []
        for number in 1...12 {
            expected.append("\(number)")
            switch number % 4 {
            case 0: try await trial.send("\(number)", to: "a")
            case 1, 2: try await trial.sendGroup("\(number)", to: "g")
            default: try await trial.sendGroup("\(number)", to: "h")
            }
        }
        try await trial.requireMessages(expected, in: "a", "a member of two groups")
    }

    static let membersTold = ConformanceRule(
        "group-sends.members", "A group send tells for how many it was meant: full ones included, excluded ones not",
        [.semantics(.groups)],
        settings: { settings, _ in settings.capacity = 1 }
    ) { trial in
        for channel in ["a", "b", "c", "full"] { try await trial.join(channel, to: "g") }
        try await trial.send("1", to: "full")
        let all = try await trial.sendGroup("2", to: "g")
        try trial.requireEqual(try trial.told(all.members, "the members of a group send"), 4, "members")
        let some = try await trial.sendGroup("3", to: "g", excluding: ["a", "a", "stranger"])
        try trial.requireEqual(some.members, 3, "members without the excluded one")
        try await trial.leave("b", from: "g")
        let fewer = try await trial.sendGroup("4", to: "g")
        try trial.requireEqual(fewer.members, 3, "members after one had left")
    }

    static let nobody = ConformanceRule(
        "group-sends.nobody", "A group without members takes a send like any other, and nobody gets it",
        [.specification(13)]
    ) { trial in
        let first = try await trial.sendGroup("1", to: "g")
        if let members = first.members { try trial.requireEqual(members, 0, "members") }
        try await trial.join("a", to: "g")
        let second = try await trial.sendGroup("2", to: "g")
        try trial.requireGrowth(from: first, to: second)
        try await trial.requireMessages(["2"], in: "a", "the first member")
    }

    static let groupSendConcurrency = ConformanceRule(
        "group-sends.concurrency", "Each member gets each group send once and in order, while others join and leave",
        [.specification(7), .specification(13), .semantics(.groups)],
        settings: { settings, _ in settings.capacity = 1000 }
    ) { trial in
        let (members, sends) = (4, 100)
        for member in 0..<members { try await trial.join("m\(member)", to: "g") }
        try await trial.sendGroup("0", to: "g")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for number in 1..<sends { try await trial.sendGroup("\(number)", to: "g", excluding: ["guest1"]) }
            }
            tasks.addTask {
                for round in 0..<sends {
                    try await trial.join("guest\(round % 3)", to: "g")
                    if round.isMultiple(of: 2) { try await trial.leave("guest\(round % 3)", from: "g") }
                    _ = try await trial.take("guest\(round % 3)", max: 5)
                }
            }
            for member in 0..<members {
                tasks.addTask {
                    var texts: [String] = []
                    while texts.count < sends {
                        let copies = try await trial.take("m\(member)", max: 1 + member)
                        texts += copies.map(\.text)
                        try Task.checkCancellation()
                        if copies.isEmpty { await Task.yield() }
                    }
                    try trial.requireEqual(texts, (0..<sends).map(String.init), "copies in 'm\(member)'")
                }
            }
            try await tasks.waitForAll()
        }
        for member in 0..<members { try await trial.requireMessages([], in: "m\(member)", "after all copies") }
    }

    /// The fastest of several each, so that a busy machine does not count; and a SHOULD, so that its absence is no breach.
    static let groupSendCost = ConformanceRule(
        "group-sends.cost", "The time that a group send takes does not grow with the members",
        [.specification(14), .semantics(.constantTimeGroupSend)],
        settings: { settings, _ in settings.capacity = 1000 }
    ) { trial in
        let many = 2000
        try await trial.join("a", to: "one")
        for member in 0..<many { try await trial.join("m\(member)", to: "many") }
        var fastest: [String: Duration] = [:]
        for _ in 0..<20 {
            for group in ["one", "many"] {
                let time = try await ContinuousClock().measure { try await trial.sendGroup("1", to: group) }
                fastest[group] = min(fastest[group] ?? time, time)
            }
            // Where it is that slow, there is no need to wait for the rest.
            if let time = fastest["many"], time > .milliseconds(100) { break }
        }
        let ratio = (fastest["many"] ?? .zero) / max(fastest["one"] ?? .zero, .microseconds(10))
        guard ratio < 20 else {
            throw Absence(reason: "a send to \(many) members takes \(Int(ratio)) times as long as one to one member")
        }
    }
}

import Channels

/// What can be seen, and how it is dropped. All of it is optional.
extension ConformanceRule {
    static let inspection = [
        statusPending, statusAge, statusWaiting, statusGroups, statusCounts, totals, swept, purged, flushed, ready,
    ]

    static let statusPending = ConformanceRule(
        "inspection.pending", "Status tells what waits unexpired, group copies included, and the capacity",
        [.semantics(.inspection), .semantics(.settling)],
        settings: { settings, _ in settings.capacity = 4 }
    ) { trial in
        try await requirePending(0, in: "a1", on: trial)
        let capacity = try trial.told(try await trial.status(of: "a1").capacity, "the capacity")
        try trial.requireEqual(capacity, 4, "the capacity")
        let (status, attempt, expiry) = try await trial.beforeExpiry { expiry, attempt in
            for text in ["1", "2"] { try await trial.send(text, to: "a\(attempt)", expiry: .seconds(600)) }
            try await trial.send("3", to: "a\(attempt)", expiry: expiry)
        } look: { attempt in
            try await trial.status(of: "a\(attempt)")
        }
        try trial.requireEqual(status.pending, 3, "pending before one of three expired")
        let channel = "a\(attempt)"
        try await trial.passExpiry(expiry)
        try await requirePending(2, in: channel, on: trial)
        _ = try await trial.take(channel)
        try await requirePending(1, in: channel, on: trial)
        try await trial.join(channel, to: "g")
        for text in ["4", "5", "6", "7"] { try await trial.sendGroup(text, to: "g") }
        try await requirePending(4, in: channel, on: trial)
        _ = try await trial.take(channel)
        try await requirePending(3, in: channel, on: trial)
    }

    private static func requirePending(_ count: Int, in channel: String, on trial: Trial) async throws {
        let pending = try trial.told(try await trial.status(of: channel).pending, "how many messages wait")
        try trial.requireEqual(pending, count, "pending in '\(channel)'")
    }

    static let statusAge = ConformanceRule(
        "inspection.oldest-age", "Status tells the age of the oldest message, and none where nothing waits",
        [.semantics(.inspection)]
    ) { trial in
        let begin = trial.now
        try await trial.send("1", to: "a")
        let sent = trial.now
        try await trial.pass(trial.span)
        try await trial.send("2", to: "a")
        let asked = trial.now
        let status = try await trial.status(of: "a")
        let range = sent.duration(to: asked)...begin.duration(to: trial.now)
        let age = try trial.told(status.oldestAge, "the age of the oldest message")
        // A store's clock may count in milliseconds.
        let isInRange = age >= range.lowerBound - .milliseconds(2) && age <= range.upperBound + .milliseconds(2)
        try trial.require(isInRange, "an age of \(range.lowerBound) to \(range.upperBound)", seen: "\(age)")
        _ = try await trial.take("a", max: 2)
        let none = try await trial.status(of: "a").oldestAge
        try trial.requireEqual(none, nil, "the age where nothing waits")
    }

    static let statusWaiting = ConformanceRule(
        "inspection.waiting", "Status tells how many receivers a send to the channel could reach",
        [.semantics(.inspection), .semantics(.waiting)]
    ) { trial in
        _ = try trial.told(try await trial.status(of: "a").waiting, "how many receivers wait")
        let waits = [try trial.startReceive("a", "b"), try trial.startReceive("b"), try trial.startReceive("inbox!")]
        try await trial.receiversWait(waits.count)
        for (channel, count) in [("a", 1), ("b", 2), ("c", 0), ("inbox!x", 1), ("inbox!", 1)] {
            let waiting = try await trial.status(of: channel).waiting
            try trial.requireEqual(waiting, count, "receivers in wait for '\(channel)'")
        }
        for wait in waits { wait.cancel() }
        for wait in waits { _ = try await wait.deliveriesUnlessCancelled() }
        let waiting = try await trial.status(of: "b").waiting
        try trial.requireEqual(waiting, 0, "receivers in wait after all were cancelled")
    }

    static let statusGroups = ConformanceRule(
        "inspection.groups", "Status tells the groups of which a channel is a member now, in ASCII order",
        [.semantics(.inspection), .semantics(.groups)]
    ) { trial in
        let none = try trial.told(try await trial.status(of: "a").groups, "a channel's groups")
        try trial.requireEqual(none, [], "groups of a channel that is in none")
        for group in ["h", "g", "G", "left"] { try await trial.join("a", to: group) }
        try await trial.join("a", to: "lapsed", expiry: trial.span)
        try await trial.join("b", to: "other")
        try await trial.leave("a", from: "left")
        try await trial.passExpiry(trial.span)
        let groups = try await trial.status(of: "a").groups
        try trial.requireEqual(groups?.map(\.rawValue), ["G", "g", "h"], "groups")
    }

    static let statusCounts = ConformanceRule(
        "inspection.counts", "Of a channel, sent is exactly delivered, expired, purged and pending",
        [.semantics(.inspection)],
        settings: { settings, _ in settings.capacity = 5 }
    ) { trial in
        try await trial.send("1", to: "a", expiry: trial.span)
        for text in ["2", "3", "4", "5"] { try await trial.send(text, to: "a", expiry: .seconds(600)) }
        try await trial.passExpiry(trial.span)
        try await trial.send("6", to: "a")
        for text in ["no", "no"] { _ = try await trial.sendUnlessFull(text, to: "a") }
        _ = try await trial.take("a", max: 2)
        let status = try await trial.status(of: "a")
        let counts = try trial.told(status.counts, "counts")
        let pending = try trial.told(status.pending, "how many messages wait")
        let expected = MessageCounts(sent: 6, delivered: 2, expired: 1, rejected: 2)
        try trial.requireEqual(counts, expected, "counts after 6 sends, 2 refusals, 1 expiry and 2 takes")
        try trial.requireEqual(pending, 3, "pending")
        try await trial.purge("a")
        let after = try await trial.status(of: "a").counts
        try trial.requireEqual(after?.purged, 3, "purged")
    }

    static let totals = ConformanceRule(
        "inspection.totals", "The totals are the sums over the layer", [.semantics(.inspection)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        for channel in ["a", "b"] { try await trial.join(channel, to: "g") }
        for text in ["1", "2"] { try await trial.send(text, to: "a") }
        _ = try await trial.sendUnlessFull("no", to: "a")
        try await trial.sendGroup("3", to: "g")
        for channel in ["a", "b"] { _ = try await trial.take(channel) }
        let stats = try await trial.optional { try await trial.backend.stats() }
        let counts = try trial.told(stats.counts, "totals")
        let expected = MessageCounts(sent: 3, delivered: 2, rejected: 1, dropped: 1)
        try trial.requireEqual(counts, expected, "counts after 3 sends, a group send to 2 and 2 takes")
        if let pending = stats.pending { try trial.requireEqual(pending, 1, "pending") }
        if let groupSends = stats.groupSends { try trial.requireEqual(groupSends, 1, "group sends") }
        if let groupCopies = stats.groupCopies { try trial.requireEqual(groupCopies, 2, "group copies") }
        if let groups = stats.groups { try trial.requireEqual(groups, 1, "groups") }
        if let waiting = stats.waiting { try trial.requireEqual(waiting, 0, "waiting") }
    }

    static let swept = ConformanceRule(
        "inspection.sweep", "What nobody takes is counted as expired a second or so after its expiry",
        [.semantics(.expiry), .semantics(.inspection), .specification(11)]
    ) { trial in
        for channel in ["a", "b", "inbox!x"] { try await trial.send("1", to: channel, expiry: trial.span) }
        try await trial.send("2", to: "a", expiry: .seconds(600))
        try await trial.passExpiry(trial.span + .seconds(2))
        // The backend's own threads may need a moment for what is due by the clock.
        let stats = try await trial.eventually { stats in
            try trial.told(stats.counts, "totals").expired >= 3
        }
        try trial.requireEqual(stats.counts?.expired, 3, "expired, without anybody's look into the channels")
        if let pending = stats.pending { try trial.requireEqual(pending, 1, "pending in all") }
    }

    static let purged = ConformanceRule(
        "inspection.purge", "A purge drops what waits in its channel, group copies included, and nothing else",
        [.semantics(.inspection), .semantics(.settling)]
    ) { trial in
        try await trial.purge("unknown")
        for channel in ["a", "b"] {
            try await trial.send("1", to: channel)
            try await trial.join(channel, to: "g")
        }
        try await trial.purge("a")
        try await trial.requireMessages([], in: "a", "which was purged")
        try await trial.send("2", to: "a")
        try await trial.requireMessages(["2"], in: "a", "which was purged before")
        try await trial.requireMessages(["1"], in: "b", "which was not")
        try await trial.sendGroup("3", to: "g")
        try await trial.purge("a")
        try await trial.sendGroup("4", to: "g")
        try await trial.requireMessages(["4"], in: "a", "a member still, which was purged after 3")
        try await trial.requireMessages(["3", "4"], in: "b", "which was not")
    }

    static let flushed = ConformanceRule(
        "inspection.flush", "A flush drops every message and every group, and the layer goes on",
        [.semantics(.inspection)]
    ) { trial in
        for channel in ["a", "inbox!x"] {
            try await trial.send("1", to: channel)
            try await trial.join(channel, to: "g")
        }
        let before = try await trial.send("2", to: "a")
        try await trial.optional { try await trial.backend.flush() }
        for channel in ["a", "inbox!"] { try await trial.requireMessages([], in: channel, "after a flush") }
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, [], "members after a flush")
        let after = try await trial.send("3", to: "a")
        try trial.require(before.id < after.id, "ids that grow", seen: "\(after.id) after \(before.id)")
        try await trial.requireMessages(["3"], in: "a", "sent after a flush")
    }

    static let ready = ConformanceRule(
        "inspection.readiness", "A new backend says that it is ready", [.semantics(.inspection)]
    ) { trial in
        try await trial.backend.checkReadiness()
    }
}

import Channels

/// Deliveries of which not one byte reached a client.
extension ConformanceRule {
    static let givingBack = [
        backToHead, backInOrder, backToFullChannel, backButExpired, backAfterPurge, backAfterFlush, backToWhoWaits,
        backCopies,
    ]

    static let backToHead = ConformanceRule(
        "giving-back.head", "A delivery that is given back is at the head of its channel again, once",
        [.semantics(.handOver)]
    ) { trial in
        let receipts = [try await trial.send("1", to: "a"), try await trial.send("2", to: "a")]
        for _ in 0..<3 {
            let taken = try await trial.take("a")
            try trial.requireEqual(taken.map(\.id), [receipts[0].id], "the head of the channel")
            let lost = try await trial.giveBack(taken)
            try trial.requireEqual(lost, 0, "lost, of one that was given back")
        }
        try await trial.requireMessages(["1", "2"], in: "a", "after 1 was given back three times")
    }

    static let backInOrder = ConformanceRule(
        "giving-back.order", "Deliveries that are given back together are in their order again",
        [.semantics(.handOver), .specification(6)]
    ) { trial in
        for number in 1...6 { try await trial.send("\(number)", to: number.isMultiple(of: 3) ? "b" : "a") }
        let taken = try await trial.take("a", "b", max: 5)
        try await trial.giveBack(taken)
        try await trial.requireMessages(["1", "2", "4", "5"], in: "a", "after all taken were given back")
        try await trial.requireMessages(["3", "6"], in: "b", "after all taken were given back")
    }

    static let backToFullChannel = ConformanceRule(
        "giving-back.full", "A delivery goes back though its channel be full by now",
        [.semantics(.handOver), .semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.fill("a", capacity: 2)
        let taken = try await trial.take("a")
        try await trial.send("4", to: "a")
        try await trial.giveBack(taken)
        let refused = try await trial.sendUnlessFull("no", to: "a")
        try trial.require(refused == nil, "channelFull with one more than its capacity", seen: "accepted")
        try await trial.requireMessages(["1", "2", "4"], in: "a", "after 1 was given back to a full channel")
    }

    static let backButExpired = ConformanceRule(
        "giving-back.expired", "A delivery that has expired does not come back",
        [.semantics(.handOver), .semantics(.expiry)]
    ) { trial in
        let (taken, attempt, expiry) = try await trial.beforeExpiry { expiry, attempt in
            try await trial.send("1", to: "a\(attempt)", expiry: expiry)
        } look: { attempt in
            try await trial.take("a\(attempt)")
        }
        try trial.requireEqual(taken.map(\.text), ["1"], "taken before its expiry")
        try await trial.send("2", to: "a\(attempt)", expiry: .seconds(600))
        try await trial.passExpiry(expiry)
        try await trial.giveBack(taken)
        try await trial.requireMessages(["2"], in: "a\(attempt)", "after 1 had expired and was given back")
    }

    static let backAfterPurge = ConformanceRule(
        "giving-back.purge", "A purge between take and return wins", [.semantics(.handOver), .semantics(.inspection)]
    ) { trial in
        for channel in ["a", "b"] { try await trial.send("1", to: channel) }
        let taken = try await trial.take("a", "b", max: 2)
        try await trial.purge("a")
        try await trial.giveBack(taken)
        try await trial.requireMessages([], in: "a", "which was purged before its message was given back")
        try await trial.requireMessages(["1"], in: "b", "which was not")
    }

    static let backAfterFlush = ConformanceRule(
        "giving-back.flush", "A flush between take and return wins", [.semantics(.handOver), .semantics(.inspection)]
    ) { trial in
        try await trial.send("1", to: "a")
        let taken = try await trial.take("a")
        try await trial.optional { try await trial.backend.flush() }
        try await trial.send("2", to: "a")
        try await trial.giveBack(taken)
        try await trial.requireMessages(["2"], in: "a", "after a flush, before which 1 was taken, and its return")
    }

    static let backToWhoWaits = ConformanceRule(
        "giving-back.waiting", "A delivery that is given back goes to who waits",
        [.semantics(.handOver), .semantics(.waiting)]
    ) { trial in
        try await trial.send("1", to: "a")
        let taken = try await trial.take("a")
        let wait = try trial.startReceive("a")
        try await trial.receiversWait(1)
        try await trial.giveBack(taken)
        let texts = try await wait.texts()
        try trial.requireEqual(texts, ["1"], "what the receiver in wait got")
        try await trial.requireMessages([], in: "a", "whose only message a receiver in wait had got")
    }

    static let backCopies = ConformanceRule(
        "giving-back.group-copy", "A copy of a group send goes back to its own channel, and is a copy still",
        [.semantics(.handOver), .semantics(.groups)]
    ) { trial in
        for channel in ["a", "b"] { try await trial.join(channel, to: "g") }
        let receipt = try await trial.sendGroup("1", to: "g")
        try await trial.send("2", to: "a")
        let taken = try await trial.take("a")
        try await trial.leave("a", from: "g")
        try await trial.giveBack(taken)
        let again = try await trial.take("a", max: 5)
        try trial.requireEqual(again.map(\.text), ["1", "2"], "in 'a', to which the copy went back")
        // By the default of group sends each copy has an id of its own, and its group where the backend keeps that.
        let before = taken.first
        try trial.requireEqual(again.first?.id, receipt.id ?? before?.id, "the copy's id")
        let group = receipt.id == nil ? before?.group?.rawValue : "g"
        try trial.requireEqual(again.first?.group?.rawValue, group, "the copy's group")
        try await trial.requireMessages(["1"], in: "b", "the other member")
    }
}

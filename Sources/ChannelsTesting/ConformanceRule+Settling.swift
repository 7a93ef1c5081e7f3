import Channels

/// Group copies are judged when somebody looks: received from, sent to directly, or purged.
extension ConformanceRule {
    static let settling = [oldestStay, judgedByReceive, judgedBySend, lookingSettlesNothing]

    static let oldestStay = ConformanceRule(
        "settling.oldest-stay", "Of more group copies than there is room for, the oldest stay",
        [.semantics(.settling), .semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 3 }
    ) { trial in
        try await trial.join("a", to: "g")
        try await trial.send("0", to: "a")
        for number in 1...5 { try await trial.sendGroup("\(number)", to: "g") }
        try await trial.requireMessages(["0", "1", "2"], in: "a", "whose capacity is 3")
        try await trial.sendGroup("6", to: "g")
        try await trial.requireMessages(["6"], in: "a", "after all had been taken")
    }

    static let judgedByReceive = ConformanceRule(
        "settling.receive",
        "A queue holds the oldest group copies, up to its capacity, of what had not expired when somebody received",
        [.semantics(.settling)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.join("a", to: "g")
        try requireSendAsOne(try await trial.sendGroup("1", to: "g", expiry: trial.span))
        for number in 2...4 { try await trial.sendGroup("\(number)", to: "g", expiry: .seconds(600)) }
        try await trial.passExpiry(trial.span)
        try await trial.requireMessages(["2", "3"], in: "a", "whose capacity is 2, looked into after 1 had expired")
    }

    static let judgedBySend = ConformanceRule(
        "settling.send", "A direct send has the group copies judged that came before it",
        [.semantics(.settling), .semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.join("a", to: "g")
        for number in 1...2 { try await trial.sendGroup("\(number)", to: "g") }
        let refused = try await trial.sendUnlessFull("3", to: "a")
        try trial.require(refused == nil, "channelFull, as two copies wait in a channel of 2", seen: "accepted")
        try await trial.requireMessages(["1", "2"], in: "a", "whose capacity is 2")
        try await trial.sendGroup("4", to: "g")
        let receipt = try await trial.sendUnlessFull("5", to: "a")
        try trial.require(receipt != nil, "room beside one copy", seen: "channelFull")
        try await trial.requireMessages(["4", "5"], in: "a", "in order")
    }

    static let lookingSettlesNothing = ConformanceRule(
        "settling.looking", "Status, totals and members take nothing, settle nothing and change nothing",
        [.semantics(.settling), .semantics(.inspection)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.join("a", to: "g")
        try requireSendAsOne(try await trial.sendGroup("1", to: "g", expiry: trial.span))
        for number in 2...4 { try await trial.sendGroup("\(number)", to: "g", expiry: .seconds(600)) }
        for _ in 0..<3 {
            _ = try await trial.status(of: "a")
            _ = try await trial.optional { try await trial.backend.stats() }
            _ = try await trial.members(of: "g")
        }
        try await trial.passExpiry(trial.span)
        try await trial.requireMessages(["2", "3"], in: "a", "whose capacity is 2, as if nobody had looked before")
    }

    /// By the default, a group send is a send to each member, and judged as such.
    private static func requireSendAsOne(_ receipt: GroupSendReceipt) throws {
        guard receipt.id != nil else { throw Absence(reason: "the backend sends to each member on its own") }
    }
}

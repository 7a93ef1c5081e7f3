import Channels

extension ConformanceRule {
    static let expiry = [
        notBefore, notAfter, layerExpiry, ownExpiry, expiredTakesNoRoom, expiryZero, copyExpiry,
    ]

    static let notBefore = ConformanceRule(
        "expiry.not-before", "A message is not dropped for its age before its expiry",
        [.specification(11), .semantics(.expiry)]
    ) { trial in
        let taken = try await trial.beforeExpiry { expiry, attempt in
            try await trial.send("1", to: "a\(attempt)", expiry: expiry)
        } look: { attempt in
            try await trial.take("a\(attempt)")
        }.value
        try trial.requireEqual(taken.map(\.text), ["1"], "taken before its expiry")
    }

    static let notAfter = ConformanceRule(
        "expiry.not-after", "A message is not delivered after its expiry",
        [.specification(11), .semantics(.expiry)]
    ) { trial in
        for channel in ["a", "b", "inbox!x"] { try await trial.send("1", to: channel, expiry: trial.span) }
        try await trial.passExpiry(trial.span)
        try await trial.requireMessages([], in: "a", "after its expiry")
        let taken = try await trial.take("b", "inbox!", max: 10)
        try trial.requireEqual(taken.map(\.text), [], "taken from several channels after all had expired")
    }

    static let layerExpiry = ConformanceRule(
        "expiry.default", "A message that names no expiry has the layer's", [.specification(11)],
        settings: { settings, span in settings.expiry = span }
    ) { trial in
        try await trial.send("1", to: "a")
        try await trial.send("2", to: "a", expiry: .seconds(600))
        try await trial.passExpiry(trial.span)
        try await trial.requireMessages(["2"], in: "a", "after the layer's expiry, which 2 had not")
    }

    static let ownExpiry = ConformanceRule(
        "expiry.own", "Each message expires by its own expiry, whatever was sent before and after it",
        [.specification(11), .semantics(.expiry)]
    ) { trial in
        for (text, isShort) in [("1", false), ("2", true), ("3", false), ("4", true), ("5", false)] {
            try await trial.send(text, to: "a", expiry: isShort ? trial.span : .seconds(600))
        }
        try await trial.passExpiry(trial.span)
        try await trial.requireMessages(["1", "3", "5"], in: "a", "after 2 and 4 had expired")
    }

    static let expiredTakesNoRoom = ConformanceRule(
        "expiry.frees-room", "What has expired takes no room in its channel",
        [.semantics(.capacity), .semantics(.expiry)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        for text in ["1", "2"] { try await trial.send(text, to: "a", expiry: trial.span) }
        try await trial.passExpiry(trial.span)
        for text in ["3", "4"] {
            let receipt = try await trial.sendUnlessFull(text, to: "a")
            try trial.require(receipt != nil, "room where all had expired", seen: "channelFull")
        }
        try await trial.requireMessages(["3", "4"], in: "a", "after the others had expired")
    }

    static let expiryZero = ConformanceRule(
        "expiry.zero", "An expiry of zero is accepted, and nobody who comes later gets the message",
        [.semantics(.expiry)]
    ) { trial in
        try await trial.send("1", to: "a", expiry: .zero)
        try await trial.send("2", to: "a")
        try await trial.requireMessages(["2"], in: "a", "after 1 was sent with an expiry of zero")
    }

    static let copyExpiry = ConformanceRule(
        "expiry.group-copy", "The copies of a group send expire as messages do, not before and not after",
        [.specification(11), .specification(13), .semantics(.expiry)]
    ) { trial in
        for member in ["a", "b"] { try await trial.join(member, to: "g") }
        let taken = try await trial.beforeExpiry { expiry, attempt in
            try await trial.join("early\(attempt)", to: "g")
            try await trial.sendGroup("1", to: "g", expiry: expiry)
        } look: { attempt in
            try await trial.take("early\(attempt)")
        }.value
        try trial.requireEqual(taken.map(\.text), ["1"], "a copy before its expiry")
        try await trial.sendGroup("2", to: "g", expiry: trial.span)
        try await trial.sendGroup("3", to: "g", expiry: .seconds(600))
        // The first attempts' copies had longer, where the machine was slow.
        try await trial.passExpiry(trial.span)
        let rest = try await trial.take("a", max: 10).map(\.text)
        try trial.requireEqual(rest.filter { $0 != "1" }, ["3"], "copies after the others had expired")
    }
}

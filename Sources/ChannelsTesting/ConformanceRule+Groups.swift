import Channels

/// Who is a member, and for how long.
extension ConformanceRule {
    static let groups = [
        added, discarded, pages, atLeastItsExpiry, lapses, groupExpiry, renewalLengthens, renewalNeverShortens, removed,
        groupsAtMost,
    ]

    static let added = ConformanceRule(
        "groups.add", "A channel that is added is a member of that group alone, once, however often it is added",
        [.specification(3), .specification(5)]
    ) { trial in
        let before = try await trial.members(of: "g")
        try trial.requireEqual(before, [], "members of a group that nobody knows")
        for channel in ["b", "a", "b"] { try await trial.join(channel, to: "g") }
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["a", "b"], "members")
        let others = try await trial.members(of: "G")
        try trial.requireEqual(others, [], "members of another group")
        // A channel and a group may have one name, and have nothing to do with each other.
        try await trial.send("1", to: "g")
        try await trial.requireMessages([], in: "a", "a member of 'g', after a send to the channel 'g'")
    }

    static let discarded = ConformanceRule(
        "groups.discard", "A channel that is discarded is no member any more; where it was none, nothing happens",
        [.specification(4)]
    ) { trial in
        try await trial.leave("a", from: "unknown")
        for channel in ["a", "b", "c"] { try await trial.join(channel, to: "g") }
        try await trial.join("b", to: "h")
        for channel in ["b", "b", "stranger"] { try await trial.leave(channel, from: "g") }
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["a", "c"], "members without the discarded one")
        let others = try await trial.members(of: "h")
        try trial.requireEqual(others, ["b"], "members of another group")
        try await trial.join("b", to: "g")
        let again = try await trial.members(of: "g")
        try trial.requireEqual(again, ["a", "b", "c"], "members after it was added again")
    }

    static let pages = ConformanceRule(
        "groups.pages", "The members come in ASCII order, in pages that leave none out and repeat none",
        [.specification(5)]
    ) { trial in
        // Added in an order that is not theirs; some are prefixes of others.
        let channels = (0..<57).map { "m\($0 * 23 % 57)" } + ["B", "a", "~", " ", "m1 ", "m1!x"]
        for channel in channels { try await trial.join(channel, to: "g") }
        let sorted = channels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let group = try GroupName("g")
        for limit in [1, 7, 21, channels.count, 1000] {
            var seen: [String] = []
            var options = GroupMembersOptions(limit: limit)
            while seen.count <= channels.count {
                let page = try await trial.backend.groupMembers(group, options: options)
                let names = page.channels.map(\.rawValue)
                seen += names
                try trial.require(names.count <= limit, "at most \(limit) members a page", seen: "\(names.count)")
                try trial.requireEqual(page.hasMore, seen.count < channels.count, "more after \(seen.count) of them")
                guard page.hasMore, let last = page.channels.last else { break }
                options.after = last
            }
            try trial.requireEqual(seen, sorted, "all pages of \(limit)")
        }
        let options = GroupMembersOptions(after: try ChannelName("m5a"), limit: 1)
        let page = try await trial.backend.groupMembers(group, options: options)
        try trial.requireEqual(page.channels.map(\.rawValue), ["m6"], "the first member after 'm5a', which is none")
    }

    static let atLeastItsExpiry = ConformanceRule(
        "groups.not-before", "A membership lasts at least for its expiry", [.specification(3), .semantics(.groups)]
    ) { trial in
        let members = try await trial.beforeExpiry { expiry, attempt in
            try await trial.join("a", to: "g\(attempt)", expiry: expiry)
        } look: { attempt in
            try await trial.members(of: "g\(attempt)")
        }.value
        try trial.requireEqual(members, ["a"], "members before the expiry")
    }

    static let lapses = ConformanceRule(
        "groups.not-after", "A membership lapses after its expiry", [.specification(5), .semantics(.groups)]
    ) { trial in
        try await trial.join("a", to: "g", expiry: trial.span)
        try await trial.join("b", to: "g", expiry: .seconds(600))
        try await trial.passExpiry(trial.span)
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["b"], "members after the expiry of one of two")
    }

    static let groupExpiry = ConformanceRule(
        "groups.default-expiry", "A membership that names no expiry has the layer's", [.specification(3)],
        settings: { settings, span in settings.groupExpiry = span }
    ) { trial in
        try await trial.join("a", to: "g")
        try await trial.join("b", to: "g", expiry: .seconds(600))
        try await trial.passExpiry(trial.span)
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["b"], "members after the layer's expiry, which b has not")
    }

    static let renewalLengthens = ConformanceRule(
        "groups.renewal-lengthens", "A membership that is added again lasts for the longer of the two expiries",
        [.specification(3), .semantics(.groups)]
    ) { trial in
        try await trial.join("a", to: "g", expiry: trial.span)
        try await trial.join("a", to: "g", expiry: .seconds(600))
        try await trial.passExpiry(trial.span)
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["a"], "members after the first of two expiries")
    }

    static let renewalNeverShortens = ConformanceRule(
        "groups.renewal-never-shortens", "A renewal never shortens a membership",
        [.specification(3), .semantics(.groups)]
    ) { trial in
        try await trial.join("a", to: "g", expiry: .seconds(600))
        try await trial.join("a", to: "g", expiry: trial.span)
        try await trial.join("a", to: "g", expiry: .zero)
        try await trial.passExpiry(trial.span)
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, ["a"], "members after the shorter expiry of the renewal")
    }

    static let removed = ConformanceRule(
        "groups.remove", "A group that is removed has no members, until some are added again",
        [.semantics(.inspection)]
    ) { trial in
        for channel in ["a", "b"] { try await trial.join(channel, to: "g") }
        try await trial.join("a", to: "h")
        try await trial.removeGroup("unknown")
        try await trial.removeGroup("g")
        let members = try await trial.members(of: "g")
        try trial.requireEqual(members, [], "members after the removal")
        let others = try await trial.members(of: "h")
        try trial.requireEqual(others, ["a"], "members of another group")
        try await trial.join("b", to: "g")
        let again = try await trial.members(of: "g")
        try trial.requireEqual(again, ["b"], "members after one was added again")
    }

    static let groupsAtMost = ConformanceRule(
        "groups.at-most", "A channel is in no more groups than the layer allows", [.semantics(.bounded)],
        settings: { settings, _ in settings.groupsPerChannelMax = 3 }
    ) { trial in
        for number in 1...3 { try await trial.join("a", to: "g\(number)") }
        do {
            try await trial.join("a", to: "g4")
            throw Absence(reason: "the backend sets no limit to the groups of a channel")
        } catch let error as ChannelError {
            try trial.requireEqual(error.code, .tooManyGroups, "the error's code")
        }
        try await trial.join("a", to: "g1")
        try await trial.join("b", to: "g4")
        try await trial.leave("a", from: "g2")
        try await trial.join("a", to: "g4")
        let members = try await trial.members(of: "g4")
        try trial.requireEqual(members, ["a", "b"], "members after the channel had left another group")
    }
}

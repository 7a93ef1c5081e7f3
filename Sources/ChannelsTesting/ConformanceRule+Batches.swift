import Channels

/// Sends that are done together, by a backend that says it can.
extension ConformanceRule {
    static let batches = [batchInOrder, batchRefusal, batchToWhoWaits]

    static let batchInOrder = ConformanceRule(
        "batches.order",
        "Sends that are done together are done in their order, and each has its own result, in that order",
        [.specification(6), .semantics(.sequence)]
    ) { trial in
        try await trial.join("b", to: "g")
        let before = try await trial.send("0", to: "a")
        let results = try await trial.sendEach([
            channelSend("1", to: "a"), channelSend("2", to: "b"), groupSend("3", to: "g"), channelSend("4", to: "a"),
        ]).map { try $0.get() }
        guard case .channel(let first) = results[0], case .channel = results[1], case .group(let copies) = results[2],
            case .channel(let last) = results[3]
        else {
            throw Breach(expected: "receipts of channel, channel, group, channel", seen: "\(results)")
        }
        try trial.require(before.id < first.id && first.id < last.id, "ids that grow", seen: "\(results)")
        try trial.requireEqual(copies.members, 1, "the members of the group sent to")
        let taken = try await trial.take("a", max: 9)
        try trial.requireEqual(taken.map(\.text), ["0", "1", "4"], "in 'a', after a batch of 1 and 4")
        try trial.requireEqual(taken.map(\.id), [before.id, first.id, last.id], "the ids of what was sent to 'a'")
        try await trial.requireMessages(["2", "3"], in: "b", "after a batch of 2, and of 3 to its group")
    }

    static let batchRefusal = ConformanceRule(
        "batches.refusal", "One send that is refused undoes none of those that are done with it",
        [.semantics(.capacity)], settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.fill("a", capacity: 2)
        let results = try await trial.sendEach([
            channelSend("1", to: "b"), channelSend("no", to: "a"), channelSend("2", to: "b"),
        ])
        let outcomes = results.map { result in
            switch result {
            case .success: "accepted"
            case .failure(let error): (error as? ChannelError)?.code.rawValue ?? "\(error)"
            }
        }
        let full = ChannelError.Code.channelFull.rawValue
        try trial.requireEqual(
            outcomes, ["accepted", full, "accepted"], "the results, where the second is to a full channel")
        try await trial.requireMessages(["1", "2"], in: "b", "after a batch of which another send was refused")
        try await trial.requireMessages(["1", "2"], in: "a", "which was full before")
    }

    static let batchToWhoWaits = ConformanceRule(
        "batches.waiting", "Who waits gets what is sent in a batch, to a channel or to a group",
        [.specification(13), .semantics(.waiting)]
    ) { trial in
        try await trial.join("b", to: "g")
        // Each alone: what a group send wakes could hide that the other wakes nobody.
        let sends = ["a": try channelSend("1", to: "a"), "b": try groupSend("1", to: "g")]
        for (channel, send) in sends {
            let wait = try trial.startReceive(channel)
            try await trial.receiversWait(1)
            _ = try await trial.sendEach([send])
            let texts = try await wait.texts()
            try trial.requireEqual(texts, ["1"], "what the receiver in wait on '\(channel)' got")
        }
    }

    private static func channelSend(_ text: String, to channel: String) throws -> BatchedSend {
        .channel(try ChannelName(channel), Message(content: Array(text.utf8)), SendOptions())
    }

    private static func groupSend(_ text: String, to group: String) throws -> BatchedSend {
        .group(try GroupName(group), Message(content: Array(text.utf8)), GroupSendOptions())
    }
}

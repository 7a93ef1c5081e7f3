import Channels

extension ConformanceRule {
    static let mailboxes = [
        wholeMailbox, ownChannelOnly, sharedCapacity, bothNames, membersInMailbox, waitOnMailbox, straightToReceiver,
        purgedMailbox,
    ]

    static let wholeMailbox = ConformanceRule(
        "mailboxes.whole", "A receive on 'inbox!' takes the oldest message of any channel in it, with its full name",
        [.semantics(.mailboxes), .specification(6)]
    ) { trial in
        let channels = ["inbox!ann", "inbox!bob", "inbox!ann", "inbox!", "inbox!!", "inbox!bob"]
        for (number, channel) in channels.enumerated() { try await trial.send("\(number)", to: channel) }
        for stranger in ["inbox", "Inbox!ann", "inbo!x"] { try await trial.send("no", to: stranger) }
        var taken = try await trial.take("inbox!")
        taken += try await trial.take("inbox!", max: 10)
        try trial.requireEqual(taken.map(\.text), channels.indices.map { "\($0)" }, "taken from 'inbox!'")
        try trial.requireEqual(taken.map(\.channel.rawValue), channels, "their channels")
    }

    static let ownChannelOnly = ConformanceRule(
        "mailboxes.one-channel", "A receive on 'inbox!ann' takes that channel's messages alone, in order",
        [.semantics(.mailboxes), .specification(6)]
    ) { trial in
        let channels = ["inbox!bob", "inbox!ann", "inbox!", "inbox!ann ", "inbox!ann", "inbox!ann!x"]
        for (number, channel) in channels.enumerated() { try await trial.send("\(number)", to: channel) }
        try await trial.requireMessages(["1", "4"], in: "inbox!ann", "two of six in the mailbox")
        try await trial.requireMessages(["0", "2", "3", "5"], in: "inbox!", "the rest")
    }

    static let sharedCapacity = ConformanceRule(
        "mailboxes.capacity", "The channels of a mailbox share its capacity",
        [.semantics(.mailboxes), .semantics(.capacity)],
        settings: { settings, _ in
            settings.capacity = 1
            settings.channelCapacities = [.init(pattern: GlobPattern("inbox!"), capacity: 3)]
        }
    ) { trial in
        for number in 1...3 { try await trial.send("\(number)", to: "inbox!\(number)") }
        guard let receipt = try await trial.sendUnlessFull("4", to: "inbox!4") else {
            try await trial.requireMessages(["2"], in: "inbox!2", "one of three in a full mailbox")
            try await trial.send("5", to: "inbox!5")
            return try await trial.requireMessages(["1", "3", "5"], in: "inbox!", "after one of them made room")
        }
        guard receipt.capacity != nil else { throw Absence(reason: "the backend has no capacities") }
        throw Breach(expected: "channelFull for message 4 in a mailbox of 3", seen: "\(receipt)")
    }

    static let bothNames = ConformanceRule(
        "mailboxes.both-names", "A receive on a mailbox and on a channel in it gets each message once",
        [.semantics(.mailboxes), .specification(7)]
    ) { trial in
        for number in 1...4 { try await trial.send("\(number)", to: number.isMultiple(of: 2) ? "inbox!a" : "inbox!b") }
        let taken = try await trial.take("inbox!a", "inbox!", "inbox!a", max: 10)
        try trial.requireEqual(taken.map(\.text), ["1", "2", "3", "4"], "taken on 'inbox!a' and 'inbox!'")
        try await trial.requireMessages([], in: "inbox!", "after all was taken")
    }

    static let membersInMailbox = ConformanceRule(
        "mailboxes.members", "Each channel of a mailbox is a member of its own, and gets copies of its own",
        [.semantics(.mailboxes), .semantics(.groups)]
    ) { trial in
        for channel in ["inbox!a", "inbox!b", "inbox!c"] { try await trial.join(channel, to: "g") }
        try await trial.sendGroup("1", to: "g", excluding: ["inbox!b"])
        try await trial.leave("inbox!a", from: "g")
        try await trial.sendGroup("2", to: "g")
        try await trial.requireMessages(["2"], in: "inbox!b", "excluded from 1")
        let taken = try await trial.take("inbox!", max: 10)
        let firstTwo = taken.prefix(2).map(\.channel.rawValue).sorted()
        try trial.requireEqual(taken.map(\.text), ["1", "1", "2"], "the rest in 'inbox!'")
        try trial.requireEqual(firstTwo, ["inbox!a", "inbox!c"], "whose copies of 1 they are")
        try trial.requireEqual(taken.last?.channel.rawValue, "inbox!c", "whose copy of 2 it is")
    }

    static let waitOnMailbox = ConformanceRule(
        "mailboxes.waiting", "A receiver that waits on a mailbox gets what is sent to any channel in it",
        [.semantics(.mailboxes), .specification(12)]
    ) { trial in
        let wait = try trial.startReceive("other", "inbox!")
        try await trial.receiversWait(1)
        try await trial.send("1", to: "inbox!new")
        let deliveries = try await wait.deliveries()
        try trial.requireEqual(deliveries.map(\.text), ["1"], "what the receiver got")
        try trial.requireEqual(deliveries.map(\.channel.rawValue), ["inbox!new"], "its channel")
    }

    /// In a mailbox, since where nothing else waits there is room anyway.
    static let straightToReceiver = ConformanceRule(
        "mailboxes.straight-to-receiver", "What goes straight to a receiver in wait needs no room",
        [.semantics(.capacity), .semantics(.waiting), .semantics(.mailboxes)],
        settings: { settings, _ in settings.capacity = 1 }
    ) { trial in
        try await trial.send("1", to: "inbox!a")
        let wait = try trial.startReceive("inbox!b")
        try await trial.receiversWait(1)
        guard try await trial.sendUnlessFull("2", to: "inbox!b") != nil else {
            throw Absence(reason: "hand-over goes through the store, and needs room there")
        }
        let texts = try await wait.texts()
        try trial.requireEqual(texts, ["2"], "what the receiver in wait got")
        try await trial.requireMessages(["1"], in: "inbox!", "which was full all the time")
    }

    static let purgedMailbox = ConformanceRule(
        "mailboxes.purge", "A purge of a mailbox drops what waits in all its channels; of a channel in it, that alone",
        [.semantics(.mailboxes), .semantics(.inspection)]
    ) { trial in
        for channel in ["inbox!a", "inbox!b", "inbox"] { try await trial.send(channel, to: channel) }
        try await trial.purge("inbox!a")
        try await trial.requireMessages([], in: "inbox!a", "which was purged")
        try await trial.send("again", to: "inbox!a")
        let left = try await trial.take("inbox!")
        try trial.requireEqual(left.map(\.text), ["inbox!b"], "the oldest in a mailbox of which one channel was purged")
        try await trial.send("more", to: "inbox!b")
        try await trial.purge("inbox!")
        try await trial.requireMessages([], in: "inbox!", "which was purged")
        try await trial.requireMessages(["inbox"], in: "inbox", "which is no part of it")
    }
}

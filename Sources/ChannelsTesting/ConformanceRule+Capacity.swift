import Channels

extension ConformanceRule {
    static let capacity = [
        fullIsRefused, roomAgain, ownCapacity, patternCapacity, receiptTells, copyWithoutRoom, memoryLimit,
    ]

    static let fullIsRefused = ConformanceRule(
        "capacity.full", "A send to a full channel is refused as such, and what waits there stays",
        [.specification(8), .semantics(.capacity), .semantics(.bounded)],
        settings: { settings, _ in settings.capacity = 3 }
    ) { trial in
        try await trial.fill("a", capacity: 3)
        do {
            let receipt = try await trial.send("5", to: "a")
            throw Breach(expected: "channelFull", seen: "\(receipt)")
        } catch let error as ChannelError {
            try trial.requireEqual(error.code, .channelFull, "the error's code")
            try trial.require(!error.message.isEmpty, "a message for the client", seen: "none")
            if let limit = error.limit { try trial.requireEqual(limit, 3, "the error's limit") }
        }
        try await trial.requireMessages(["1", "2", "3"], in: "a", "after sends to it were refused")
    }

    static let roomAgain = ConformanceRule(
        "capacity.room-again", "Each message that is taken makes room for one",
        [.semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.fill("a", capacity: 2)
        for number in 4...8 {
            let taken = try await trial.take("a")
            try trial.requireEqual(taken.count, 1, "taken from a full channel")
            let receipt = try await trial.sendUnlessFull("\(number)", to: "a")
            try trial.require(receipt != nil, "room for one", seen: "channelFull")
            let refused = try await trial.sendUnlessFull("no", to: "a")
            try trial.require(refused == nil, "room for no more than one", seen: "accepted")
        }
        try await trial.requireMessages(["7", "8"], in: "a", "after one by one had made room")
    }

    static let ownCapacity = ConformanceRule(
        "capacity.own", "A full channel takes no room from the others", [.semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        try await trial.fill("a", capacity: 2)
        for channel in ["b", "A", "a ", "a.", "inbox!a"] {
            for text in ["1", "2"] {
                let receipt = try await trial.sendUnlessFull(text, to: channel)
                try trial.require(receipt != nil, "room in '\(channel)' beside the full 'a'", seen: "channelFull")
            }
        }
    }

    static let patternCapacity = ConformanceRule(
        "capacity.pattern", "The first pattern that matches a queue's name tells its capacity",
        [.semantics(.capacity)],
        settings: { settings, _ in
            settings.capacity = 1
            settings.channelCapacities = [
                .init(pattern: GlobPattern("log.*"), capacity: 3), .init(pattern: GlobPattern("*"), capacity: 2),
            ]
        }
    ) { trial in
        try await trial.fill("log.a", capacity: 3)
        try await trial.fill("other", capacity: 2)
        try await trial.requireMessages(["1", "2", "3"], in: "log.a", "whose capacity is 3 by its pattern")
        try await trial.requireMessages(["1", "2"], in: "other", "whose capacity is 2 by its pattern")
    }

    static let receiptTells = ConformanceRule(
        "capacity.receipt", "A send answers how many wait with it, and the capacity", [.semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 7 }
    ) { trial in
        for number in 1...3 {
            let receipt = try await trial.send("\(number)", to: "a")
            let pending = try trial.told(receipt.pending, "how many messages wait")
            let capacity = try trial.told(receipt.capacity, "the capacity")
            try trial.requireEqual(pending, number, "pending after send \(number)")
            try trial.requireEqual(capacity, 7, "the capacity")
        }
        _ = try await trial.take("a", max: 2)
        let receipt = try await trial.send("4", to: "a")
        try trial.requireEqual(receipt.pending, 2, "pending after two of three were taken and one was sent")
    }

    static let copyWithoutRoom = ConformanceRule(
        "capacity.group-copy", "A group send is not refused for a full member: that copy alone is dropped",
        [.specification(8), .specification(13), .semantics(.capacity)],
        settings: { settings, _ in settings.capacity = 2 }
    ) { trial in
        for member in ["full", "free"] { try await trial.join(member, to: "g") }
        try await trial.fill("full", capacity: 2)
        try await trial.sendGroup("copy", to: "g")
        let refused = try await trial.sendUnlessFull("3", to: "full")
        try trial.require(refused == nil, "channelFull, as before the group send", seen: "accepted")
        try await trial.requireMessages(["1", "2"], in: "full", "which had no room for the copy")
        try await trial.requireMessages(["copy"], in: "free", "which had room for it")
    }

    static let memoryLimit = ConformanceRule(
        "capacity.memory", "At its memory limit a layer refuses sends, and takes them again when there is room",
        [.semantics(.bounded)],
        settings: { settings, _ in settings.memoryBytesMax = 1 << 20 }
    ) { trial in
        let message = Message(content: [UInt8](repeating: UInt8(ascii: "1"), count: 100_000))
        var accepted = 0
        while accepted < 20 {
            do {
                try await trial.send(message, to: "a\(accepted)")
                accepted += 1
            } catch let error as ChannelError {
                try trial.requireEqual(error.code, .layerFull, "the error's code")
                break
            }
        }
        guard accepted < 20 else { throw Absence(reason: "the backend has no memory limit") }
        try trial.require(accepted > 0, "room for 100,000 bytes in 1 MiB", seen: "none")
        for number in 0..<accepted {
            let taken = try await trial.take("a\(number)")
            try trial.requireEqual(taken.count, 1, "messages in each channel that was sent to")
        }
        try await trial.send(message, to: "b")
    }
}

import Channels

extension ConformanceRule {
    static let names = [printableNames, longNames, distinctNames, groupNames]

    /// 0x20 to 0x7E, each as a text.
    private static let printable = (UInt8(0x20)...0x7E).map { String(UnicodeScalar($0)) }

    static let printableNames = ConformanceRule(
        "names.printable", "Every printable ASCII character may stand in a channel's name, alone and between others",
        [.specification(10)]
    ) { trial in
        for form in [{ $0 }, { "a" + $0 }, { $0 + "b" }, { "a" + $0 + "b" }] as [(String) -> String] {
            for (number, character) in printable.enumerated() { try await trial.send("\(number)", to: form(character)) }
            for (number, character) in printable.enumerated() {
                let channel = form(character)
                let taken = try await trial.take(channel)
                try trial.requireEqual(taken.map(\.text), ["\(number)"], "received on '\(channel)'")
                try trial.requireEqual(taken.map(\.channel.rawValue), [channel], "the delivery's channel")
            }
        }
    }

    static let longNames = ConformanceRule(
        "names.long", "Names may have 200 characters, and each of them counts", [.specification(10)]
    ) { trial in
        let stem = String(repeating: "n", count: 199)
        let channels = [stem + "a", stem + "b", stem, "!" + stem, String(repeating: "/", count: 200)]
        for channel in channels {
            try await trial.send(String(channel.suffix(2)), to: channel)
            try await trial.join(channel, to: channel)
        }
        for channel in channels {
            try await trial.requireMessages([String(channel.suffix(2))], in: channel, "of \(channel.utf8.count) bytes")
            let members = try await trial.members(of: channel)
            try trial.requireEqual(members, [channel], "members of a group of that name")
        }
    }

    static let distinctNames = ConformanceRule(
        "names.distinct", "Names that differ in case, in spaces or in what looks like an escape are different channels",
        [.specification(10)]
    ) { trial in
        let channels = [
            "a", "A", " a", "a ", "a  ", "a/", "a//", "a%2F", "%61", "a+", ".", "..", "a.", "a*", "a?", "*", "%", "a\\",
            "a'", "a\"", "a;", "a,b", "a:b", "a{b}", "a[b]", "_", "a_", "NULL", "0", "00",
        ]
        for channel in channels { try await trial.send(channel, to: channel) }
        for channel in channels { try await trial.requireMessages([channel], in: channel, "a channel of its own") }
    }

    static let groupNames = ConformanceRule(
        "names.groups", "Every printable ASCII character may stand in a group's name, and in its members' names",
        [.specification(10), .specification(3)]
    ) { trial in
        for character in printable { try await trial.join("m" + character, to: character) }
        for character in printable {
            let members = try await trial.members(of: character)
            try trial.requireEqual(members, ["m" + character], "members of the group '\(character)'")
        }
        for character in printable { try await trial.join("m" + character, to: "all") }
        let all = try await trial.members(of: "all")
        try trial.requireEqual(all, printable.map { "m" + $0 }, "members in ASCII order")
    }
}

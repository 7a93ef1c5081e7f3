import Channels

// Groups' logs: one entry a group send, whatever the number of members, and a count of them by stretches of numbers.

extension Store {
    func insertEntry(_ sent: StoredMessage, of group: Group) throws {
        try prepared("INSERT INTO entry (grp, number, sentAt, deadline, bytes) VALUES (?, ?, ?, ?, ?)").run(
            .int(group.id), .int(sent.number), .int(sent.sentAt), .int(sent.deadline), .int(sent.message.content.count))
        try prepared(
            "INSERT INTO span (grp, span, entries) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1"
        ).run(.int(group.id), .int(sent.number >> spanBits))
    }

    /// Frees expired entries of all groups, at most so many. Returns how many.
    func drainEntries(countMax: Int) throws -> Int {
        let expired = try prepared("SELECT grp, number FROM entry WHERE deadline <= ? ORDER BY deadline LIMIT ?")
            .all(.int(now), .int(countMax)) { (group: $0.int(0), number: $0.int(1)) }
        for entry in expired {
            try prepared("DELETE FROM entry WHERE grp = ? AND number = ?").run(.int(entry.group), .int(entry.number))
            try prepared("UPDATE span SET entries = entries - 1 WHERE grp = ? AND span = ?").run(
                .int(entry.group), .int(entry.number >> spanBits))
            try prepared("DELETE FROM span WHERE grp = ? AND span = ? AND entries = 0").run(
                .int(entry.group), .int(entry.number >> spanBits))
        }
        return expired.count
    }

    /// How many entries there are with numbers greater than `low`, up to `high`. O(spans between), not O(entries).
    func entryCount(of group: Int64, after low: Int64, through high: Int64) throws -> Int {
        guard low < high else { return 0 }
        let (lowSpan, highSpan) = (low >> spanBits, high >> spanBits)
        guard highSpan - lowSpan > 1 else { return try countEntries(of: group, after: low, through: high) }
        let between =
            try prepared(
                "SELECT COALESCE(SUM(entries), 0) FROM span WHERE grp = ? AND span > ? AND span < ?"
            ).first(.int(group), .int(lowSpan), .int(highSpan)) { Int($0.int(0)) } ?? 0
        return try between + countEntries(of: group, after: low, through: (lowSpan + 1) << spanBits - 1)
            + countEntries(of: group, after: highSpan << spanBits - 1, through: high)
    }

    private func countEntries(of group: Int64, after low: Int64, through high: Int64) throws -> Int {
        try prepared("SELECT COUNT(*) FROM entry WHERE grp = ? AND number > ? AND number <= ?").first(
            .int(group), .int(low), .int(high)
        ) { Int($0.int(0)) } ?? 0
    }
}

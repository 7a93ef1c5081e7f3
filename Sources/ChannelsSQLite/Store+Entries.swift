import Channels

// Groups' logs: one entry a group send, whatever the number of members, and a count of them by stretches of numbers.

extension Store {
    /// Appends to the log. The caller has counted the number.
    func insertEntry(_ sent: StoredMessage, of group: Group) throws {
        try prepared("INSERT INTO entry (grp, number, sentAt, deadline, bytes) VALUES (?, ?, ?, ?, ?)").run(
            .int(group.id), .int(sent.number), .int(sent.sentAt), .int(sent.deadline), .int(sent.message.content.count))
        try prepared(
            "INSERT INTO span (grp, span, entries) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1"
        ).run(.int(group.id), .int(sent.number >> spanBits))
        // Only these: the rest may have changed.
        try prepared("UPDATE grp SET lastNumber = ?, lastDeadline = MAX(lastDeadline, ?) WHERE id = ?").run(
            .int(sent.number), .int(sent.deadline), .int(group.id))
        if sent.deadline < group.nextExpiry {
            try prepared("UPDATE grp SET nextExpiry = ? WHERE id = ?").run(.int(sent.deadline), .int(group.id))
        }
    }

    /// Frees a group's expired entries, as far as the slice goes. Contents go by their own deadlines.
    ///
    /// - Throws: ``WorkRemains`` where there are more.
    func drainEntries(of group: Int64) throws {
        guard !slice.isUsedUp else { throw WorkRemains() }
        let limit = slice.rows
        let expired = try prepared("SELECT number FROM entry WHERE grp = ? AND deadline <= ? ORDER BY deadline LIMIT ?")
            .all(.int(group), .int(now), .int(limit)) { $0.int(0) }
        for number in expired {
            try prepared("DELETE FROM entry WHERE grp = ? AND number = ?").run(.int(group), .int(number))
            try prepared("UPDATE span SET entries = entries - 1 WHERE grp = ? AND span = ?").run(
                .int(group), .int(number >> spanBits))
            try prepared("DELETE FROM span WHERE grp = ? AND span = ? AND entries = 0").run(
                .int(group), .int(number >> spanBits))
        }
        slice.use(rows: expired.count)
        guard expired.count < limit else { throw WorkRemains() }
        try prepared(
            "UPDATE grp SET nextExpiry = COALESCE((SELECT MIN(deadline) FROM entry WHERE grp = ?1), ?2) WHERE id = ?1"
        ).run(.int(group), .int(Queue.never))
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

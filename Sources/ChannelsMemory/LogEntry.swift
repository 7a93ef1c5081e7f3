/// One group send in the log.
final class LogEntry: ExpiryItem, SortedItem {
    let stored: StoredMessage
    /// Memberships that get no copy: excluded by the sender, or served at once.
    var exclusions: [Exclusion] = []
    var heapIndex = -1
    // SAFETY: see `ExpiryItem`.
    unowned(unsafe) var earlier: LogEntry?
    unowned(unsafe) var later: LogEntry?

    init(_ stored: StoredMessage) {
        self.stored = stored
    }

    var heapKey: Instant { stored.deadline }
    var sortKey: UInt64 { stored.number }
}

/// One group send in the log.
final class LogEntry: HeapItem, SortedItem {
    let stored: StoredMessage
    /// Memberships that get no copy: excluded by the sender, or served at once.
    var exclusions: [Exclusion] = []
    var heapIndex = -1

    init(_ stored: StoredMessage) {
        self.stored = stored
    }

    var heapKey: Instant { stored.deadline }
    var sortKey: UInt64 { stored.number }
}

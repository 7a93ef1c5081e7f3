import Channels

/// Rows of the table `queue` that were used lately: each is read once, and written once for all of a transaction.
///
/// Nobody else writes the file, so what was read stays true. What changes is here first, and in the file when the
/// transaction ends or a statement is about to change the table by itself (`Store.forgetQueues`). `id`, `name` and
/// `sweepAt` are always current in the file, as indexes lead by them to rows: a statement that reads no other column
/// needs nothing before it.
struct QueueRows {
    /// A row and whether the file has another one.
    private final class Row {
        var queue: Queue
        var isChanged: Bool

        init(_ queue: Queue, isChanged: Bool) {
            self.queue = queue
            self.isChanged = isChanged
        }
    }

    private var rows: [ChannelName: Row] = [:]
    private var changed: [Row] = []
    /// From so many on, all are written and forgotten before another is read. One operation may change more.
    private let rowsMax: Int

    var isFull: Bool { rows.count >= rowsMax }

    init(rowsMax: Int) { self.rowsMax = rowsMax }

    func find(_ name: ChannelName) -> Queue? { rows[name]?.queue }

    /// Keeps a row as it stands in the file.
    mutating func add(_ queue: Queue) { rows[queue.name] = Row(queue, isChanged: false) }

    /// Keeps a row that is to be written.
    mutating func change(_ queue: Queue) {
        if let row = rows[queue.name] {
            row.queue = queue
            guard !row.isChanged else { return }
            row.isChanged = true
            changed.append(row)
        } else {
            let row = Row(queue, isChanged: true)
            rows[queue.name] = row
            changed.append(row)
        }
    }

    /// Hands over what is to be written, once.
    mutating func takeChanged() -> [Queue] {
        for row in changed { row.isChanged = false }
        defer { changed.removeAll(keepingCapacity: true) }
        return changed.map(\.queue)
    }

    /// Forgets one, which is not to be written.
    mutating func remove(_ name: ChannelName) { rows[name] = nil }

    mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        changed.removeAll(keepingCapacity: true)
    }
}

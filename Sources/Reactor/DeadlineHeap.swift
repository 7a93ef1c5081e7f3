/// The deadlines of one loop, the earliest first: a binary heap in which every entry knows its place, so that moving and
/// cancelling cost O(log n) and a cancelled deadline leaves nothing behind.
struct DeadlineHeap {
    private struct Element {
        /// Here and not in the entry, so that comparing touches the array only.
        var instant: ContinuousClock.Instant
        var entry: DeadlineEntry
    }

    private var elements: [Element] = []

    var earliest: ContinuousClock.Instant? { elements.first?.instant }
    var count: Int { elements.count }

    mutating func insert(_ entry: DeadlineEntry, at instant: ContinuousClock.Instant) {
        precondition(entry.heapIndex == nil, "This deadline is set already")
        entry.heapIndex = elements.count
        elements.append(Element(instant: instant, entry: entry))
        rise(from: elements.count - 1)
    }

    /// Does nothing if the entry is not in the heap.
    mutating func remove(_ entry: DeadlineEntry) {
        guard let index = entry.heapIndex else { return }
        entry.heapIndex = nil
        let last = elements.removeLast()
        guard index < elements.count else { return }
        elements[index] = last
        last.entry.heapIndex = index
        settle(at: index)
    }

    /// Inserts the entry if it is not in the heap yet.
    mutating func move(_ entry: DeadlineEntry, to instant: ContinuousClock.Instant) {
        guard let index = entry.heapIndex else { return insert(entry, at: instant) }
        elements[index].instant = instant
        settle(at: index)
    }

    /// Takes out the earliest entry if its time has come.
    mutating func popDue(at now: ContinuousClock.Instant) -> DeadlineEntry? {
        guard let first = elements.first, first.instant <= now else { return nil }
        remove(first.entry)
        return first.entry
    }

    mutating func removeAll() {
        for element in elements { element.entry.heapIndex = nil }
        elements.removeAll()
    }

    private mutating func settle(at index: Int) {
        rise(from: index)
        sink(from: index)
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard elements[index].instant < elements[parent].instant else { return }
            exchange(index, parent)
            index = parent
        }
    }

    private mutating func sink(from start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < elements.count && elements[child].instant < elements[smallest].instant {
                smallest = child
            }
            guard smallest != index else { return }
            exchange(index, smallest)
            index = smallest
        }
    }

    private mutating func exchange(_ first: Int, _ second: Int) {
        elements.swapAt(first, second)
        elements[first].entry.heapIndex = first
        elements[second].entry.heapIndex = second
    }
}

/// What can stand in a loop's heap of deadlines. A socket is its own entry: it has one deadline at a time, and so needs no
/// object and no closure for it.
package class DeadlineEntry {
    /// The place in the heap; nil outside of it. The heap's own.
    final var heapIndex: Int?

    init() {}

    /// Called on the loop when the time has come, after the entry has left the heap.
    func isDue(at now: ContinuousClock.Instant) {}
}

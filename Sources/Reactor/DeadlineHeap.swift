/// The deadlines of one loop, the earliest first: a binary heap in which every entry knows its place, so that moving and
/// cancelling cost O(log n) and a cancelled deadline leaves nothing behind.
///
/// Instants are kept as plain nanoseconds, rounded up, and entries without the counting of references, so that an element
/// moves as two words do.
struct DeadlineHeap: ~Copyable {
    private struct Element {
        /// Since `start`. Here and not in the entry, so that comparing touches the array only.
        var nanoseconds: Int64
        // SAFETY: retained when it comes into the heap, released when it leaves.
        var entry: Unmanaged<DeadlineEntry>
    }

    private let start = ContinuousClock.now
    private var elements: [Element] = []

    deinit {
        for element in elements { element.entry.release() }
    }

    var earliest: ContinuousClock.Instant? { elements.first.map { start + .nanoseconds($0.nanoseconds) } }
    var count: Int { elements.count }

    mutating func insert(_ entry: DeadlineEntry, at instant: ContinuousClock.Instant) {
        precondition(entry.heapIndex == nil, "This deadline is set already")
        let element = Element(nanoseconds: nanoseconds(of: instant), entry: .passRetained(entry))
        elements.append(element)
        rise(element, from: elements.count - 1)
    }

    /// Does nothing if the entry is not in the heap.
    mutating func remove(_ entry: DeadlineEntry) {
        guard let index = entry.heapIndex else { return }
        _ = remove(at: index)
    }

    private mutating func remove(at index: Int) -> DeadlineEntry {
        let removed = elements[index].entry.takeRetainedValue()
        removed.heapIndex = nil
        let last = elements.removeLast()
        if index < elements.count { settle(last, at: index) }
        return removed
    }

    /// Inserts the entry if it is not in the heap yet.
    mutating func move(_ entry: DeadlineEntry, to instant: ContinuousClock.Instant) {
        guard let index = entry.heapIndex else { return insert(entry, at: instant) }
        settle(Element(nanoseconds: nanoseconds(of: instant), entry: .passUnretained(entry)), at: index)
    }

    /// Takes out the earliest entry if its time has come.
    mutating func popDue(at now: ContinuousClock.Instant) -> DeadlineEntry? {
        guard let first = elements.first, start + .nanoseconds(first.nanoseconds) <= now else { return nil }
        return remove(at: 0)
    }

    mutating func removeAll() {
        while !elements.isEmpty { _ = remove(at: elements.count - 1) }
    }

    /// Beyond three centuries, where no loop comes, all instants are one.
    private func nanoseconds(of instant: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = (instant - start).components
        guard seconds.magnitude < 9_000_000_000 else { return (seconds < 0 ? -1 : 1) * 9_000_000_000_000_000_000 }
        // Division cuts off towards zero: before the start that is up already.
        let rounding: Int64 = attoseconds > 0 ? 999_999_999 : 0
        return seconds * 1_000_000_000 + (attoseconds + rounding) / 1_000_000_000
    }

    // The element on its way is put down where it comes to rest; until then its place holds one that has moved on.

    private mutating func settle(_ element: Element, at index: Int) {
        if index > 0, element.nanoseconds < elements[(index - 1) / 2].nanoseconds {
            rise(element, from: index)
        } else {
            sink(element, from: index)
        }
    }

    private mutating func rise(_ element: Element, from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard element.nanoseconds < elements[parent].nanoseconds else { break }
            put(elements[parent], at: index)
            index = parent
        }
        put(element, at: index)
    }

    private mutating func sink(_ element: Element, from start: Int) {
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1].nanoseconds < elements[child].nanoseconds { child += 1 }
            guard elements[child].nanoseconds < element.nanoseconds else { break }
            put(elements[child], at: index)
            index = child
        }
        put(element, at: index)
    }

    private mutating func put(_ element: Element, at index: Int) {
        elements[index] = element
        element.entry._withUnsafeGuaranteedRef { $0.heapIndex = index }
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

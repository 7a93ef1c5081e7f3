/// An element of an ``ExpiryQueue``; `heapKey` is when it expires.
protocol ExpiryItem: HeapItem where HeapKey == Instant {
    /// The queue's own, and held by nobody: `unowned(unsafe)`. An item is taken out of its queue before it is let go of.
    var earlier: Self? { get set }
    var later: Self? { get set }
}

/// Items by their deadline, the earliest first.
///
/// How it works: most messages of a queue are given the same time, so each expires after the one before it, and a list is all
/// that it takes: insertion, removal and the first are O(1). A few such runs, for a few different times, stand side by side;
/// an item that fits at the end of none goes into a heap, O(log n).
struct ExpiryQueue<Item: ExpiryItem> {
    private struct Run {
        // SAFETY: see `ExpiryItem`.
        unowned(unsafe) var first: Item?
        unowned(unsafe) var last: Item?
        // When those two expire: to choose among runs, no item is looked at.
        var begin = Instant.distantFuture
        var end = Instant.distantFuture
    }

    private var runs: InlineArray<3, Run> = .init(repeating: Run())
    private var others = IndexedHeap<Item>()

    /// The `heapIndex` of an item that stands in that run, and the other way round; in none and in no heap it is -1.
    private static func index(ofRun run: Int) -> Int { -2 - run }

    /// The item that expires first.
    var first: Item? {
        guard let run = firstRun else { return others.first }
        guard let other = others.first, other.heapKey < runs[run].begin else { return runs[run].first }
        return other
    }

    /// When it does.
    var firstDeadline: Instant? {
        guard let run = firstRun else { return others.first?.heapKey }
        guard let other = others.first?.heapKey, other < runs[run].begin else { return runs[run].begin }
        return other
    }

    private var firstRun: Int? {
        var first: Int?
        for index in runs.indices where runs[index].begin < (first.map { runs[$0].begin } ?? .distantFuture) {
            first = index
        }
        return first
    }

    static func holds(_ item: Item) -> Bool { item.heapIndex != -1 }

    mutating func insert(_ item: Item) {
        precondition(item.heapIndex == -1, "an item is in one queue at most")
        let deadline = item.heapKey
        guard let index = indexOfRun(for: deadline) else { return others.insert(item) }
        item.heapIndex = Self.index(ofRun: index)
        if let last = runs[index].last {
            item.earlier = last
            last.later = item
        } else {
            runs[index].first = item
            runs[index].begin = deadline
        }
        runs[index].last = item
        runs[index].end = deadline
    }

    mutating func remove(_ item: Item) {
        guard item.heapIndex < 0 else { return others.remove(item) }
        let run = Self.index(ofRun: item.heapIndex)
        let (earlier, later) = (item.earlier, item.later)
        if let earlier {
            earlier.later = later
        } else {
            runs[run].first = later
            runs[run].begin = later?.heapKey ?? .distantFuture
        }
        if let later {
            later.earlier = earlier
        } else {
            runs[run].last = earlier
            runs[run].end = earlier?.heapKey ?? .distantFuture
        }
        item.earlier = nil
        item.later = nil
        item.heapIndex = -1
    }

    /// The run to whose end the deadline fits best: the one that ends latest before it, else an empty one.
    private func indexOfRun(for deadline: Instant) -> Int? {
        var best: Int?
        var empty: Int?
        for index in runs.indices {
            if runs[index].begin == .distantFuture {
                empty = index
            } else if runs[index].end <= deadline, best.map({ runs[$0].end < runs[index].end }) ?? true {
                best = index
            }
        }
        return best ?? empty
    }
}

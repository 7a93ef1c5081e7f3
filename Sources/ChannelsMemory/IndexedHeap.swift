/// An element of an ``IndexedHeap``: it remembers where it stands, so that it can be taken out of the middle.
protocol HeapItem: AnyObject {
    associatedtype HeapKey: Comparable
    var heapKey: HeapKey { get }
    /// The heap's own; -1 while the item is in no heap.
    var heapIndex: Int { get set }
}

/// A binary min-heap whose items can be removed or moved in O(log n) wherever they stand.
struct IndexedHeap<Item: HeapItem> {
    private var items: [Item] = []

    var count: Int { items.count }
    /// The item with the smallest key.
    var first: Item? { items.first }

    mutating func insert(_ item: Item) {
        precondition(item.heapIndex < 0, "an item is in one heap at most")
        item.heapIndex = items.count
        items.append(item)
        siftUp(from: items.count - 1)
    }

    mutating func remove(_ item: Item) {
        let index = item.heapIndex
        precondition(items[index] === item)
        item.heapIndex = -1
        let last = items.removeLast()
        guard last !== item else { return }
        items[index] = last
        last.heapIndex = index
        siftDown(from: index)
        siftUp(from: last.heapIndex)
    }

    /// Restores the order after the key of `item` has changed.
    mutating func update(_ item: Item) {
        siftDown(from: item.heapIndex)
        siftUp(from: item.heapIndex)
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        let item = items[index]
        let key = item.heapKey
        while index > 0 {
            let parent = (index - 1) / 2
            guard key < items[parent].heapKey else { break }
            items[index] = items[parent]
            items[index].heapIndex = index
            index = parent
        }
        guard index != start else { return }
        items[index] = item
        item.heapIndex = index
    }

    private mutating func siftDown(from start: Int) {
        var index = start
        let item = items[index]
        let key = item.heapKey
        while true {
            var child = 2 * index + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].heapKey < items[child].heapKey { child += 1 }
            guard items[child].heapKey < key else { break }
            items[index] = items[child]
            items[index].heapIndex = index
            index = child
        }
        guard index != start else { return }
        items[index] = item
        item.heapIndex = index
    }
}

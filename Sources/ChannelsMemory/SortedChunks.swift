/// An element of ``SortedChunks``.
protocol SortedItem: AnyObject {
    associatedtype SortKey: Comparable
    /// Constant while the item is in a list, and unique there.
    var sortKey: SortKey { get }
}

/// A sorted list for very many items that counts ranges fast and never moves more than one chunk at a time.
///
/// How it works: an array of sorted arrays of up to 512 items, and beside it an array of their counts. A look-up is two binary
/// searches; to count what lies after a key is one search and a sum over small integers (2,000 of them for a million items);
/// an insertion or removal moves at most one chunk. No operation copies the whole list, so none holds the layer's lock long.
struct SortedChunks<Item: SortedItem> {
    private static var chunkItemsMax: Int { 512 }

    private var chunks: [[Item]] = []
    private var counts: [Int32] = []
    private(set) var count = 0

    /// A place in the list; good until the list changes.
    struct Position {
        fileprivate var chunk: Int
        fileprivate var offset: Int
    }

    var isEmpty: Bool { count == 0 }
    var first: Item? { chunks.first?.first }
    var last: Item? { chunks.last?.last }
    var startPosition: Position { Position(chunk: 0, offset: 0) }

    /// The item at `position`, nil at the end.
    subscript(position: Position) -> Item? {
        guard position.chunk < chunks.count else { return nil }
        return chunks[position.chunk][position.offset]
    }

    func advance(_ position: inout Position) {
        position.offset += 1
        if position.offset == chunks[position.chunk].count { position = Position(chunk: position.chunk + 1, offset: 0) }
    }

    /// The place of the first item for which `isBefore` is false; all for which it is true must come first. O(log n).
    func partition(_ isBefore: (Item) -> Bool) -> Position {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(chunks[middle][chunks[middle].count - 1]) { low = middle + 1 } else { high = middle }
        }
        guard low < chunks.count else { return Position(chunk: low, offset: 0) }
        let chunk = chunks[low]
        var first = 0
        var end = chunk.count
        while first < end {
            let middle = (first + end) / 2
            if isBefore(chunk[middle]) { first = middle + 1 } else { end = middle }
        }
        return Position(chunk: low, offset: first)
    }

    /// The place of the first item whose key is greater than `key`.
    func position(after key: Item.SortKey) -> Position { partition { !(key < $0.sortKey) } }

    func find(_ key: Item.SortKey) -> Item? {
        guard let item = self[partition { $0.sortKey < key }], item.sortKey == key else { return nil }
        return item
    }

    /// How many items stand before `position`.
    func count(before position: Position) -> Int {
        var sum = position.offset
        if position.chunk <= counts.count / 2 {
            for chunk in 0..<position.chunk { sum += Int(counts[chunk]) }
        } else {
            sum += count
            for chunk in position.chunk..<counts.count { sum -= Int(counts[chunk]) }
        }
        return sum
    }

    /// How many items have a key greater than `low` and at most `high`.
    func count(after low: Item.SortKey, through high: Item.SortKey) -> Int {
        guard let last, low < last.sortKey, low < high else { return 0 }
        let end = high < last.sortKey ? count(before: position(after: high)) : count
        return end - count(before: position(after: low))
    }

    mutating func insert(_ item: Item) {
        count += 1
        if let last, last.sortKey < item.sortKey { return append(item) }
        guard !chunks.isEmpty else { return append(item) }
        let place = partition { $0.sortKey < item.sortKey }
        chunks[place.chunk].insert(item, at: place.offset)
        counts[place.chunk] += 1
        if chunks[place.chunk].count > Self.chunkItemsMax { split(place.chunk) }
    }

    private mutating func append(_ item: Item) {
        if let last = chunks.last, last.count < Self.chunkItemsMax {
            chunks[chunks.count - 1].append(item)
            counts[counts.count - 1] += 1
        } else {
            chunks.append([item])
            counts.append(1)
        }
    }

    private mutating func split(_ index: Int) {
        let half = chunks[index].count / 2
        let upper = Array(chunks[index][half...])
        chunks[index].removeSubrange(half...)
        chunks.insert(upper, at: index + 1)
        counts[index] = Int32(half)
        counts.insert(Int32(upper.count), at: index + 1)
    }

    /// Removes the item with that key, if it is there.
    @discardableResult
    mutating func remove(_ key: Item.SortKey) -> Item? {
        let place = partition { $0.sortKey < key }
        guard let item = self[place], item.sortKey == key else { return nil }
        count -= 1
        counts[place.chunk] -= 1
        if counts[place.chunk] == 0 {
            chunks.remove(at: place.chunk)
            counts.remove(at: place.chunk)
        } else {
            chunks[place.chunk].remove(at: place.offset)
        }
        return item
    }

    /// Removes the greatest items, a chunk at most; for taking a list down in slices. Empty where none is left.
    mutating func removeLastChunk() -> [Item] {
        guard let last = chunks.popLast() else { return [] }
        counts.removeLast()
        count -= last.count
        return last
    }
}

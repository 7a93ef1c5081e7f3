import Testing

@testable import ChannelsMemory

@Suite("The sorted list of chunks, and the heap")
struct SortedChunksTests {
    private final class Number: SortedItem, HeapItem {
        let sortKey: Int
        var heapIndex = -1
        var heapKey: Int { sortKey }
        init(_ value: Int) { sortKey = value }
    }

    @Test("It finds, counts and lists like a sorted array")
    func againstArray() {
        var chunks = SortedChunks<Number>()
        var array: [Int] = []
        var seed: UInt64 = 7
        func below(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((seed >> 33) % UInt64(bound))
        }
        for round in 0..<20_000 {
            let key = below(5_000)
            if let index = array.firstIndex(of: key) {
                #expect(chunks.find(key)?.sortKey == key)
                if below(round < 10_000 ? 4 : 2) == 0 {
                    #expect(chunks.remove(key)?.sortKey == key)
                    array.remove(at: index)
                }
            } else {
                #expect(chunks.find(key) == nil)
                chunks.insert(Number(key))
                array.insert(key, at: array.firstIndex { $0 > key } ?? array.count)
            }
            guard round.isMultiple(of: 50) else { continue }
            let (low, high) = (below(5_000), below(5_000))
            #expect(chunks.count == array.count)
            #expect(chunks.count(after: low, through: high) == array.count { $0 > low && $0 <= high })
            var place = chunks.position(after: low)
            #expect(chunks.count(before: place) == array.count { $0 <= low })
            var listed: [Int] = []
            while let item = chunks[place], listed.count < 700 {
                listed.append(item.sortKey)
                chunks.advance(&place)
            }
            #expect(listed == Array(array.filter { $0 > low }.prefix(700)))
        }
    }

    @Test("The heap gives its items in order, whatever was taken out of its middle")
    func heap() {
        let items = (0..<500).map { Number(($0 * 7919) % 1000) }
        var heap = IndexedHeap<Number>()
        for item in items { heap.insert(item) }
        for (index, item) in items.enumerated() where index.isMultiple(of: 3) { heap.remove(item) }
        var drained: [Int] = []
        while let first = heap.first {
            heap.remove(first)
            drained.append(first.sortKey)
        }
        #expect(drained == items.enumerated().filter { !$0.offset.isMultiple(of: 3) }.map(\.element.sortKey).sorted())
    }
}

/// First in, first out.
///
/// An array and the index of its head; the room before the head is given up when the queue runs empty, or when it is most of
/// the array.
struct Queue<Element> {
    /// Nil where it was taken.
    private var slots: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == slots.count }
    var count: Int { slots.count - head }

    /// By place in line; 0 is the first.
    subscript(place: Int) -> Element { slots[head + place]! }

    mutating func append(_ element: Element) {
        slots.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < slots.count else { return nil }
        let first = slots[head].take()
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: slots.count <= 1024)
            head = 0
        } else if head >= 1024, head > slots.count / 2 {
            slots.removeFirst(head)
            head = 0
        }
        return first
    }

    /// Takes out those that match, in their order. O(n).
    mutating func removeAll(where matches: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        var kept: [Element?] = []
        for case let element? in slots[head...] {
            if matches(element) { removed.append(element) } else { kept.append(element) }
        }
        guard !removed.isEmpty else { return [] }
        slots = kept
        head = 0
        return removed
    }

    mutating func removeAll() -> [Element] {
        defer { self = Queue() }
        return slots[head...].compactMap { $0 }
    }
}

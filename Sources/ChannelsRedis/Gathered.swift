/// What leaves together, as one call, in the order in which it came.
struct Gathered<Element> {
    private let countMax: Int
    private let weightMax: Int
    private var elements: [Element] = []
    private var weight = 0
    private var since: ContinuousClock.Instant?

    /// - Parameters:
    ///   - countMax: of one call.
    ///   - weightMax: of one call; what has more goes alone.
    init(countMax: Int, weightMax: Int) {
        self.countMax = countMax
        self.weightMax = weightMax
    }

    var isEmpty: Bool { elements.isEmpty }
    var isFull: Bool { elements.count >= countMax || weight >= weightMax }

    func hasRoom(for weight: Int) -> Bool { elements.isEmpty || self.weight + weight <= weightMax }

    mutating func append(_ element: Element, weight: Int, at now: ContinuousClock.Instant) {
        since = since ?? now
        elements.append(element)
        self.weight += weight
    }

    /// With the time since which the first of them waits; nil where there is nothing.
    mutating func takeAll() -> (elements: [Element], since: ContinuousClock.Instant)? {
        guard let since = since.take() else { return nil }
        defer {
            elements = []
            weight = 0
        }
        return (elements, since)
    }
}

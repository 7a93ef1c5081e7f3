/// What leaves together, as one call, in the order in which it came.
struct Gathered<Element> {
    private let countMax: Int
    private let weightMax: Int
    private var elements: [Element] = []
    private var weight = 0

    /// - Parameters:
    ///   - countMax: of one call.
    ///   - weightMax: of one call; what has more goes alone.
    init(countMax: Int, weightMax: Int) {
        self.countMax = countMax
        self.weightMax = weightMax
    }

    var isFull: Bool { elements.count >= countMax || weight >= weightMax }

    func hasRoom(for weight: Int) -> Bool { elements.isEmpty || self.weight + weight <= weightMax }

    mutating func append(_ element: Element, weight: Int) {
        elements.append(element)
        self.weight += weight
    }

    mutating func takeAll() -> [Element] {
        defer {
            elements = []
            weight = 0
        }
        return elements
    }
}

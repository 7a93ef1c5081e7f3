import Synchronization

/// How many bytes of contents may be in arrival over all connections of a server at once.
///
/// A content is counted as it arrives, until it is complete: a thousand clients that send 16 MiB each cannot take the memory
/// of the machine, and one who announces much and sends nothing takes nothing from the others. What is announced must find
/// room when it is asked for; it may lose it to others while it arrives. Small contents are not counted: their bound is the
/// number of connections.
final class ContentBudget: Sendable {
    let bytesMax: Int
    private let bytesTaken = Atomic<Int>(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// False, and nothing is taken, where it would exceed the budget.
    func take(_ bytes: Int) -> Bool {
        let taken = bytesTaken.add(bytes, ordering: .relaxed).newValue
        if taken <= bytesMax { return true }
        giveBack(bytes)
        return false
    }

    func hasRoom(for bytes: Int) -> Bool {
        bytesTaken.load(ordering: .relaxed) + bytes <= bytesMax
    }

    func giveBack(_ bytes: Int) {
        let left = bytesTaken.subtract(bytes, ordering: .relaxed).newValue
        assert(left >= 0, "More given back than taken")
    }
}

/// What one content takes of the budget, while it arrives. It is given back with the share.
struct ContentShare: ~Copyable {
    private let budget: ContentBudget
    private let bytesUncounted: Int
    private var bytesTaken = 0

    init(of budget: ContentBudget, bytesUncounted: Int) {
        self.budget = budget
        self.bytesUncounted = bytesUncounted
    }

    deinit {
        if bytesTaken > 0 { budget.giveBack(bytesTaken) }
    }

    /// Whether a content of that many bytes would find room now.
    func hasRoom(for bytes: Int) -> Bool {
        bytes <= bytesUncounted || budget.hasRoom(for: bytes)
    }

    /// False where the budget has no room for that many bytes of this content.
    mutating func grow(toCover bytes: Int) -> Bool {
        guard bytes > bytesUncounted, bytes > bytesTaken else { return true }
        guard budget.take(bytes - bytesTaken) else { return false }
        bytesTaken = bytes
        return true
    }
}

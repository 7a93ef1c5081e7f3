import CProbe

/// One line of the table: something that the server does for a request, or within it.
struct Operation {
    /// What it is, in the words of the table; Callgrind's file is named after it.
    var name: String

    /// Makes ready everything that the repetitions use up. That is not measured, and always the same: what grows with
    /// use (a table, a log) grows alike in each batch, so that time, allocations and instructions are of the same work.
    var makeBatch: () -> Batch

    /// How often it is done in a batch: enough for the clock, and not too often for Callgrind, which is much slower.
    static let repetitions = 1000

    /// Repetitions of one operation, ready to be done once.
    struct Batch {
        var work: () -> Void
        /// What is left to be done afterwards, unmeasured.
        var end: () -> Void = {}
    }

    static var all: [Operation] { [nothing] + http + api + backend + waiting + groups + wholeRequests }

    /// What each of the others holds of the loop that repeats it.
    private static var nothing: Operation { Operation("nothing: the loop alone") { .repeating { keep(0) } } }

    init(_ name: String, makeBatch: @escaping () -> Batch) {
        self.name = name
        self.makeBatch = makeBatch
    }
}

extension Operation.Batch {
    static func repeating(_ operation: @escaping () -> Void) -> Self {
        Self(work: { for _ in 0..<Operation.repetitions { operation() } })
    }
}

/// Keeps the optimizer from dropping what makes `value`, and from making it only once.
@inline(__always)
func keep<Value>(_ value: Value) {
    // SAFETY: nobody looks at the pointer, or keeps it.
    withUnsafePointer(to: value) { probe_keep($0) }
}

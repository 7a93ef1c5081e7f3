/// What things cost in resident bytes, for the layer's memory limit: objects with the allocator's share, the slots that hold
/// them in arrays and tables, rounded up. `make bench-memory` prints the sums beside the process's resident memory.
enum MemoryCost {
    /// A message: its object, and the content's array header.
    static let message = 208
    /// One copy of a message in a queue.
    static let copy = 112
    /// An entry in a group's log: the object, its slot in the log.
    static let logEntry = 112
    /// A channel excluded from one group send: the object, its slots in entry and membership.
    static let exclusion = 80
    /// A queue with its first channel, and its slots in the table and the heap of sweeps.
    static let queue = 640
    /// A channel inside a mailbox.
    static let channel = 320
    static let group = 640
    /// A queue in a group.
    static let subscription = 336
    static let membership = 256
    static let waiter = 256
    /// One name that a receiver waits on.
    static let waitLink = 80
}

/// The sockets of one loop, by the token that stands in epoll's data: a slot's index and its generation.
///
/// Descriptors' numbers are reused at once, and epoll may still report what happened to a closed one. The generation changes
/// when a socket leaves its slot, so such a late event finds nobody.
struct SocketTable {
    private struct Slot {
        var generation: UInt32 = 0
        var socket: Socket?
    }

    private var slots: [Slot] = []
    private var freeIndices: [Int] = []

    mutating func insert(_ socket: Socket) -> UInt64 {
        let index: Int
        if let free = freeIndices.popLast() {
            index = free
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].socket = socket
        return Self.token(index: index, generation: slots[index].generation)
    }

    /// Does nothing for a token that is over.
    mutating func remove(_ token: UInt64) {
        guard self[token] != nil else { return }
        let index = Self.index(of: token)
        slots[index].socket = nil
        // 31 bits of it: the highest bit stays 0, so that no token looks like the bell's.
        slots[index].generation = (slots[index].generation + 1) & 0x7FFF_FFFF
        freeIndices.append(index)
    }

    subscript(token: UInt64) -> Socket? {
        let index = Self.index(of: token)
        guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
        return slots[index].socket
    }

    mutating func removeAll() {
        slots.removeAll()
        freeIndices.removeAll()
    }

    private static func token(index: Int, generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }

    private static func index(of token: UInt64) -> Int {
        Int(token & 0xFFFF_FFFF)
    }
}

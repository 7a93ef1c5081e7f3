/// How many of the messages that a shard has handed to this server have reached nobody.
///
/// How it works. Redis counts what it hands to each server, less what that gives back (`Scripts/bells.lua`); the server counts
/// what has come. Calls on a connection are answered in their order, and the next connection begins when the one before has
/// ended. So when Redis tells its count, all that it had handed over until then has come, or never will. What it does afterwards,
/// of calls that nobody waits for any more, is in its next count.
///
/// What it has counted may be gone with it, or older than it was. Then less is in its count than has come, and that interval
/// tells nothing; more than what is gone is never in it.
struct HandedMessages {
    /// Never goes back.
    private(set) var lostCount = 0
    /// By Redis's count, as it was told last.
    private var handedCount: Int64 = 0
    /// Since then, less what went back.
    private var arrivedCount: Int64 = 0

    /// - Parameter count: negative where messages go back of which nobody can tell whether Redis has them: if not, they
    ///   are missing when it tells its count.
    mutating func arrived(_ count: Int) { arrivedCount += Int64(count) }

    /// Redis tells its count.
    mutating func compare(with count: Int64) {
        // Below 0 it is where messages went back to a Redis that had forgotten them. Should it have forgotten that, too, it has
        // begun at 0.
        lostCount += Int(max(0, count - max(0, handedCount) - arrivedCount))
        handedCount = count
        arrivedCount = 0
    }
}

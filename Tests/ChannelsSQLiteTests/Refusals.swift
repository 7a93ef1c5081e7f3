import GRDB
import GRDBSQLite
import Synchronization

@testable import ChannelsReference
@testable import ChannelsSQLite

/// Has commits refused: the next ones, or of the next ones some at random.
final class Refusals: Sendable {
    private struct State {
        var left: Int
        let oneIn: Int
        var random: SplitMix
        var count = 0
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - count: so many are refused.
    ///   - oneIn: of so many one.
    init(count: Int, oneIn: Int = 1, seed: UInt64 = 0) {
        state = Mutex(State(left: count, oneIn: oneIn, random: SplitMix(state: seed)))
    }

    var isUsedUp: Bool { state.withLock { $0.left == 0 } }
    /// How many have been refused.
    var count: Int { state.withLock(\.count) }

    func setLeft(_ count: Int) { state.withLock { $0.left = count } }

    private func takeOne() -> Bool {
        state.withLock { state in
            guard state.left > 0, state.random.chance(1, in: state.oneIn) else { return false }
            state.left -= 1
            state.count += 1
            return true
        }
    }

    /// On the writer's thread. `self` must outlive the store.
    func refuse(commitsOf store: Store) {
        sqlite3_commit_hook(
            store.database.sqliteConnection,
            { Unmanaged<Refusals>.fromOpaque($0!).takeUnretainedValue().takeOne() ? 1 : 0 },
            Unmanaged.passUnretained(self).toOpaque())
    }
}

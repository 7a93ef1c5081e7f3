import Channels
import GRDB

@testable import ChannelsReference
@testable import ChannelsSQLite

/// A layer in a file, for its comparison with the reference, over several opens of the file.
///
/// Each operation has a transaction of its own, and another one while work remains. Every fifth is first done in one
/// that is rolled back, of which nothing may be seen. Or several operations share one.
final class ComparedFile: ComparedLayer {
    /// A slice that hardly suffices may not reach all who lapsed.
    let mayCountLapsed: Bool

    private var store: Store!
    private let operationsPerTransaction: Int
    /// Of the transaction that is open.
    private var operationCount = 0
    private var transactionCount = 0
    private var now = Duration.zero
    private var timeAtStart: Int64 = 0
    /// Where numbers began at each open: in the file, which skips some, and in the reference, which does not.
    private var numberStarts: [(inFile: Int64, inReference: UInt64)] = []
    /// The last that was given before the file was closed.
    private var lastNumber: UInt64 = 0
    /// Waits that ended since the driver last asked.
    private var served: [Waiter] = []

    init(isShortOfSlice: Bool, operationsPerTransaction: Int) {
        mayCountLapsed = isShortOfSlice
        self.operationsPerTransaction = operationsPerTransaction
    }

    /// Goes on with a file that was opened, for the first time or again.
    func open(_ store: Store) {
        if numberStarts.isEmpty { timeAtStart = store.now }
        numberStarts.append((store.layer.sequence, lastNumber))
        self.store = store
    }

    /// Before the file is closed.
    func close() {
        lastNumber = number(store.layer.sequence)
        do { try commit() } catch { fatalError("\(error)") }
        store = nil
    }

    /// A number of the file as the reference counts.
    private func number(_ number: Int64) -> UInt64 {
        let start = numberStarts.last { $0.inFile < number } ?? numberStarts[0]
        return start.inReference + UInt64(number - start.inFile)
    }

    private func transaction<Value>(_ operation: (Store) throws -> Value) -> Value {
        do {
            return try refusableTransaction(operation)
        } catch {
            fatalError("\(error)")
        }
    }

    /// - Throws: what `operation` refuses to do; that is committed too.
    private func refusableTransaction<Value>(
        _ operation: (Store) throws -> Value
    ) throws(ChannelError) -> Value {
        while true {
            do {
                store.move(to: FileInstant(time: timeAtStart + now.nanoseconds, wall: 1))
                try begin(operation)
                let result = Result { try operation(store) }
                if case .failure(let error) = result, !(error is WorkRemains), !(error is ChannelError) { throw error }
                operationCount += 1
                served += store.room.takeEnded()
                if case .failure(is WorkRemains) = result {
                    try commit()
                    continue
                }
                if operationCount >= operationsPerTransaction { try commit() }
                return try result.get()
            } catch let error as ChannelError {
                throw error
            } catch {
                fatalError("\(error)")
            }
        }
    }

    private func begin<Value>(_ operation: (Store) throws -> Value) throws {
        guard operationCount == 0 else { return }
        transactionCount += 1
        if transactionCount.isMultiple(of: 5) {
            try store.begin()
            _ = try? operation(store)
            store.rollback()
        }
        try store.begin()
    }

    private func commit() throws {
        guard operationCount > 0 else { return }
        operationCount = 0
        try store.finish()
        try store.commit()
    }

    // MARK: Time

    func move(to now: Duration) { self.now = now }

    func sweep() { _ = transaction { store in try store.sweep() } }

    func sweepAll() {
        while transaction({ store in try store.sweep() }) == .more {}
    }

    // MARK: Messages

    func send(
        _ message: Message, to channel: ChannelName, options: SendOptions
    ) throws(ChannelError) -> (number: UInt64, pending: Int) {
        let sent = try refusableTransaction { store in try store.send(message, to: channel, options: options) }
        return (number(sent.number), sent.pending)
    }

    func sendGroup(
        _ message: Message, to group: GroupName, options: GroupSendOptions
    ) -> (number: UInt64, members: Int) {
        let sent = transaction { store in try store.sendGroup(message, to: group, options: options) }
        return (number(sent.number), sent.members)
    }

    func receive(_ names: [ChannelName], options: ReceiveOptions) -> [Delivery] {
        transaction { store in try store.receive(names, options: options) }
    }

    func giveBack(_ deliveries: [Delivery]) {
        transaction { store in try store.giveBack(deliveries) }
    }

    func purge(_ channel: ChannelName) {
        let last = store.layer.sequence
        transaction { store in try store.purge(channel, through: last) }
    }

    func flush() {
        let begin = timeAtStart + now.nanoseconds
        transaction { store in try store.flush(begin: begin) }
    }

    func number(of delivery: Delivery) -> UInt64 { number(Int64(delivery.id.number)) }

    // MARK: Waits

    func receiveOrWait(_ names: [ChannelName], options: ReceiveOptions) -> (deliveries: [Delivery], wait: Waiter?) {
        let waiter = Waiter(names, options: options)
        guard let deliveries = transaction({ store in try store.receive(for: waiter) }) else { return ([], waiter) }
        return (deliveries, nil)
    }

    func end(_ wait: Waiter) { _ = store.room.remove(wait) }

    func isOver(_ wait: Waiter) -> Bool { !wait.isParked }

    func takeServed() -> [Waiter] {
        defer { served = [] }
        return served
    }

    func deliveries(of wait: Waiter) -> [Delivery] { wait.deliveries }

    // MARK: Groups

    func groupAdd(_ channel: ChannelName, to group: GroupName, expiry: Duration) {
        transaction { store in try store.groupAdd(channel, to: group, expiry: expiry) }
    }

    func groupDiscard(_ channel: ChannelName, from group: GroupName) {
        transaction { store in try store.groupDiscard(channel, from: group) }
    }

    func removeGroup(_ group: GroupName) { transaction { store in try store.removeGroup(group) } }

    func groupMembers(_ group: GroupName, options: GroupMembersOptions) -> GroupMembersPage {
        transaction { store in try store.groupMembers(group, options: options) }
    }

    // MARK: Looking

    func status(of channel: ChannelName) -> ChannelStatus {
        transaction { store in try store.status(of: channel) }
    }

    func stats() -> LayerStats { transaction { store in try store.stats() } }

    func leftovers() -> [(what: String, count: Int)] {
        let tables = [
            "message", "copy", "queue", "entry", "membership", "subscription", "ending", "exclusion", "garbage", "grp",
            "span",
        ]
        return [("pending", store.layer.pending)]
            + tables.map { table in
                let count = transaction { store in
                    try Int.fetchOne(store.database, sql: "SELECT COUNT(*) FROM \(table)")
                }
                return (table, count ?? 0)
            }
    }
}

import Glibc
import HTTPCore
import Reactor
import Synchronization

/// What the connections of one loop share, and nobody else touches: buffers to write from, the date, the count of requests;
/// and the list of the connections, for drain.
// SAFETY: `connectionCount` is atomic, the constants are constant; everything else belongs to the loop.
final class ServerWorker: @unchecked Sendable {
    let loop: EventLoop
    let settings: HTTPServerSettings
    let budget: ContentBudget
    let answerBudget: AnswerBudget
    /// For choosing the loop of the next connection, from any thread. Counts those that are on their way here too.
    let connectionCount = Atomic<Int>(0)

    private(set) var isDraining = false
    /// The drain has come to where requests are refused that are still arriving.
    private(set) var refusesArrivals = false
    private var connections: [Connection] = []
    private var whenEmpty: [@Sendable () -> Void] = []
    private var lastRequestNumber: UInt64
    private var date: [UInt8] = []
    private var dateSecond = 0
    private var freeStagings: [[UInt8]] = []

    /// Buffers that are kept for the next answer.
    private static let freeStagingsMax = 16
    /// One that has grown larger is not kept.
    private static let stagingBytesKept = 131_072
    private static let stagingBytesFirst = 2048
    /// Connections that are drained between two looks at the sockets.
    private static let connectionsInBatchMax = 128

    /// - Parameters:
    ///   - answerBytesMax: This worker's share of what answers in flight may hold.
    ///   - firstRequestNumber: Different for each worker, by 2^40 at least.
    init(
        loop: EventLoop, settings: HTTPServerSettings, budget: ContentBudget, answerBytesMax: Int,
        firstRequestNumber: UInt64
    ) {
        self.loop = loop
        self.settings = settings
        self.budget = budget
        answerBudget = AnswerBudget(bytesMax: answerBytesMax, bytesUncounted: settings.answerBytesUncounted)
        lastRequestNumber = firstRequestNumber
    }

    // MARK: Shared by the connections

    func makeRequestID() -> String {
        lastRequestNumber &+= 1
        return RequestID.make(from: lastRequestNumber)
    }

    /// The value of `Date`, made once a second.
    func currentDate() -> [UInt8] {
        let second = time(nil)
        if second != dateSecond {
            dateSecond = second
            date = HTTPDate.bytes(secondsSince1970: max(0, second))
        }
        return date
    }

    /// Lends an empty buffer to stage an answer in.
    func takeStaging() -> [UInt8] {
        if let staging = freeStagings.popLast() { return staging }
        var staging: [UInt8] = []
        staging.reserveCapacity(Self.stagingBytesFirst)
        return staging
    }

    func giveBackStaging(_ staging: inout [UInt8]) {
        if freeStagings.count < Self.freeStagingsMax, staging.capacity <= Self.stagingBytesKept {
            staging.removeAll(keepingCapacity: true)
            freeStagings.append(staging)
        }
        staging = []
    }

    // MARK: Connections

    func add(_ connection: Connection) {
        connection.indexInWorker = connections.count
        connections.append(connection)
        if isDraining { connection.beginDrain() }
    }

    func remove(_ connection: Connection) {
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.indexInWorker] = last
            last.indexInWorker = connection.indexInWorker
        }
        connectionCount.subtract(1, ordering: .relaxed)
        tellIfEmpty()
    }

    // MARK: Drain

    /// Lets the connections end: see ``HTTPServer/drain(within:)``. `whenEmpty` is called on the loop, once.
    func beginDrain(whenEmpty: @escaping @Sendable () -> Void) {
        isDraining = true
        self.whenEmpty.append(whenEmpty)
        inBatches(connections[...]) { $0.beginDrain() }
        tellIfEmpty()
    }

    /// Requests that are still arriving are answered 503.
    func refuseArrivals() {
        refusesArrivals = true
        inBatches(connections[...]) { $0.refuseArrival() }
    }

    /// Whatever is left ends now.
    func abort() {
        inBatches(connections[...]) { $0.abort() }
    }

    /// Others have their turn in between; what such an action does to a connection that has ended meanwhile is nothing.
    private func inBatches(_ connections: ArraySlice<Connection>, _ action: @escaping @Sendable (Connection) -> Void) {
        for connection in connections.prefix(Self.connectionsInBatchMax) { action(connection) }
        let rest = connections.dropFirst(Self.connectionsInBatchMax)
        if !rest.isEmpty { loop.execute { [self] in inBatches(rest, action) } }
    }

    /// Gives up waiting for what does not end even so.
    func giveUp() {
        let actions = whenEmpty
        whenEmpty = []
        for action in actions { action() }
    }

    private func tellIfEmpty() {
        if isDraining, connections.isEmpty { giveUp() }
    }
}

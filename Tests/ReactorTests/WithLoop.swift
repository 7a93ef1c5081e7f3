import Glibc
import Reactor
import Synchronization

/// Runs `body` on the thread of a fresh loop, which ends with it.
func withLoop<Result: Sendable>(
    _ body: @escaping @Sendable (EventLoop) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop(name: "test-loop")
    try loop.start()
    defer { loop.stop() }
    return try await Task(executorPreference: loop) { try await body(loop) }.value
}

/// Two connected sockets: one on the loop, the other a plain blocking descriptor that plays the peer.
func makePair(on loop: EventLoop) throws -> (socket: Socket, peer: Peer) {
    var numbers: [Int32] = [-1, -1]
    precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
    precondition(fcntl(numbers[0], F_SETFL, O_NONBLOCK) == 0)
    let peer = Peer(Descriptor(adopting: numbers[1]))
    return (try Socket(adopting: Descriptor(adopting: numbers[0]), on: loop), peer)
}

final class Peer {
    private var descriptor: Descriptor?
    let number: Int32

    init(_ descriptor: consuming Descriptor) {
        number = descriptor.number
        self.descriptor = consume descriptor
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    func close() {
        descriptor = nil
    }
}

/// A value that tasks and threads of a test share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) {
        mutex = Mutex(value)
    }

    var value: Value {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }

    @discardableResult
    func update<Result: Sendable>(_ change: @Sendable (inout Value) -> Result) -> Result {
        mutex.withLock { change(&$0) }
    }
}

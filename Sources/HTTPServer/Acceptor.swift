import Glibc
import Reactor

/// Accepts the connections of one listener, on one loop, and hands each to the loop that has the fewest.
///
/// One listener per address and not one per loop: with SO_REUSEPORT the kernel deals connections out by a hash, and of four
/// clients with one connection each, three may end up on the same loop. Handing over costs a wake-up per connection at most.
// SAFETY: `socket` and `isStopped` belong to the loop; `task` is set once, before the acceptor is shared.
final class Acceptor: @unchecked Sendable {
    /// Accepted before the loop looks at its other sockets.
    private static let acceptsInARowMax = 64

    private let listener: Listener
    private let loop: EventLoop
    private let pause: Duration
    private let hasRoom: @Sendable () -> Bool
    private let hand: @Sendable (consuming Descriptor) -> Void
    private var socket: Socket?
    private var isStopped = false
    private var task: Task<Void, Never>?

    /// - Parameters:
    ///   - hasRoom: Whether one more connection may be accepted now; else it waits in the backlog for the time of `pause`.
    ///   - hand: Takes an accepted connection, on `loop`.
    init(
        of listener: Listener, on loop: EventLoop, pause: Duration,
        hasRoom: @escaping @Sendable () -> Bool, hand: @escaping @Sendable (consuming Descriptor) -> Void
    ) {
        self.listener = listener
        self.loop = loop
        self.pause = pause
        self.hasRoom = hasRoom
        self.hand = hand
        task = Task(executorPreference: loop) { await self.run() }
    }

    /// Closes the listener, and removes the file of a unix socket. Returns when that is done. Any thread.
    func stop() async {
        loop.execute { [self] in
            isStopped = true
            socket?.interrupt()
        }
        await task?.value
    }

    private func run() async {
        let socket: Socket
        do {
            socket = try Socket(adopting: listener.takeDescriptor(), on: loop)
        } catch {
            preconditionFailure("The kernel has no room to watch a listener: \(error)")
        }
        self.socket = socket
        var acceptsInARow = 0
        while !isStopped {
            if let descriptor = accept(from: socket) {
                hand(descriptor)
                acceptsInARow += 1
                if acceptsInARow.isMultiple(of: Self.acceptsInARowMax) { await Task.yield() }
            } else if socket.mayBeReadable {
                // Somebody waits, and cannot be accepted now.
                _ = await socket.wait(for: [], until: loop.now + pause)
            } else {
                _ = await socket.wait(for: .readable, until: nil)
            }
        }
        self.socket = nil
        listener.removeFile()
        socket.close()
    }

    /// Nil where nobody waits, or nobody may be accepted now: too many connections, or no descriptor left (EMFILE, ENFILE)
    /// or no memory in the kernel. The connection then stays in the backlog.
    private func accept(from socket: Socket) -> Descriptor? {
        guard hasRoom() else { return nil }
        guard let accepted = try? socket.accept() else { return nil }
        return accepted
    }
}

package import HTTPCore
package import Reactor
import Synchronization

/// An HTTP/1.1 server (RFC 9110, RFC 9112) on event loops. TLS is the reverse proxy's.
///
/// Each connection belongs to one loop: all that concerns it happens there, and what does not leave the loop costs no lock and
/// no hop. See ``Connection``, ``RequestReader`` and ``ResponseWriter`` for the way of a request.
package final class HTTPServer: Sendable {
    private let application: any HTTPApplication
    private let settings: HTTPServerSettings
    private let workers: [ServerWorker]
    private let state = Mutex(State())

    private struct State {
        var acceptors: [Acceptor] = []
        var isDraining = false
    }

    /// - Parameter loops: At least one; started, and not stopped before ``drain(within:)`` has returned.
    package init(
        application: any HTTPApplication, settings: HTTPServerSettings = HTTPServerSettings(), loops: [EventLoop]
    ) {
        precondition(!loops.isEmpty, "A server needs a loop")
        self.application = application
        self.settings = settings
        let budget = ContentBudget(bytesMax: settings.contentBytesInArrivalMax)
        // 24 random bits per process, so that ids of several servers do not meet in one log; 2^40 requests per loop.
        let numberBase = UInt64.random(in: 0..<(1 << 24))
        workers = loops.enumerated().map { index, loop in
            ServerWorker(
                loop: loop, settings: settings, budget: budget,
                answerBytesMax: settings.answerBytesInFlightMax / loops.count,
                firstRequestNumber: (numberBase &+ UInt64(index)) << 40)
        }
    }

    /// Connections that are open, over all loops.
    package var connectionCount: Int {
        workers.reduce(0) { $0 + $1.connectionCount.load(ordering: .relaxed) }
    }

    /// The same for each loop, in their order.
    package var connectionCounts: [Int] {
        workers.map { $0.connectionCount.load(ordering: .relaxed) }
    }

    // MARK: Listening

    /// Listens on all of `addresses`, or on none of them.
    ///
    /// - Returns: The addresses, with the ports that were taken.
    /// - Throws: `ListenError`, in words for the operator.
    package func listen(on addresses: [ListenAddress]) throws(ListenError) -> [ListenAddress] {
        // All are open before the first one accepts, so that a failure leaves nothing behind.
        var listeners: [Listener] = []
        do {
            for address in addresses {
                listeners.append(try Listener(address, backlogConnections: settings.backlogConnections))
            }
        } catch {
            for listener in listeners { listener.removeFile() }
            throw error
        }
        state.withLock { state in
            precondition(!state.isDraining, "A server that drains does not listen")
            for listener in listeners {
                let loop = workers[state.acceptors.count % workers.count].loop
                state.acceptors.append(makeAcceptor(for: listener, on: loop))
            }
        }
        return listeners.map(\.address)
    }

    private func makeAcceptor(for listener: Listener, on loop: EventLoop) -> Acceptor {
        let connectionsHardMax = settings.connectionsMax + settings.connectionsRefusedMax
        return Acceptor(
            of: listener, on: loop, pause: settings.acceptPause,
            hasRoom: { [self] in connectionCount < connectionsHardMax },
            hand: { [self] descriptor in place(descriptor) })
    }

    /// Gives a new connection to the worker that has the fewest.
    private func place(_ descriptor: consuming Descriptor) {
        let isWelcome = connectionCount < settings.connectionsMax
        let worker = workers.min {
            $0.connectionCount.load(ordering: .relaxed) < $1.connectionCount.load(ordering: .relaxed)
        }!
        worker.connectionCount.add(1, ordering: .relaxed)
        if worker.loop.isCurrent {
            Connection.start(descriptor, application: application, worker: worker, isWelcome: isWelcome)
        } else {
            let number = descriptor.released()
            worker.loop.execute { [application] in
                Connection.start(
                    Descriptor(adopting: number), application: application, worker: worker, isWelcome: isWelcome)
            }
        }
    }

    // MARK: Drain

    /// Ends the server: accepts no more, ends the waits of requests that wait (their answers are written), closes idle
    /// connections, and finishes what is in flight, each answer with `Connection: close`.
    ///
    /// After four fifths of `limit`, requests that are still arriving are answered 503; at its end, whatever is left is cut
    /// off. Returns when all connections are gone, or 100 ms after `limit` if an application does not let go of them.
    package func drain(within limit: Duration) async {
        let acceptors = state.withLock { state in
            defer { state.acceptors = [] }
            state.isDraining = true
            return state.acceptors
        }
        let start = ContinuousClock.now
        for acceptor in acceptors { await acceptor.stop() }
        await withTaskGroup(of: Void.self) { group in
            for worker in workers {
                group.addTask { await Self.drain(worker, from: start, within: limit) }
            }
        }
    }

    private static func drain(_ worker: ServerWorker, from start: ContinuousClock.Instant, within limit: Duration) async
    {
        let loop = worker.loop
        let steps = [
            loop.schedule(at: start + limit * 4 / 5) { worker.refuseArrivals() },
            loop.schedule(at: start + limit) { worker.abort() },
            loop.schedule(at: start + limit + .milliseconds(100)) { worker.giveUp() },
        ]
        await withUnsafeContinuation { continuation in
            loop.execute { worker.beginDrain { continuation.resume() } }
        }
        for step in steps { step.cancel() }
    }
}

import Glibc
import Reactor
import Synchronization
import Testing

@Suite struct EventLoopTests {
    @Test("A task that prefers a loop runs on its thread, also after it was suspended and resumed by another")
    func staysOnLoop() async throws {
        try await withLoop { loop in
            #expect(EventLoop.current === loop)
            await withUnsafeContinuation { continuation in
                DetachedThread.run { continuation.resume() }
            }
            #expect(EventLoop.current === loop)
            await nested(loop)
            #expect(EventLoop.current === loop)
        }
        #expect(EventLoop.current == nil)
    }

    private func nested(_ loop: EventLoop) async {
        #expect(loop.isCurrent)
        await Task.yield()
        #expect(loop.isCurrent)
    }

    @Test("Jobs from several threads at once all run, and wake a loop that sleeps")
    func crossThreadJobs() async throws {
        try await withLoop { loop in
            let count = Atomic<Int>(0)
            await withUnsafeContinuation { (done: UnsafeContinuation<Void, Never>) in
                for _ in 0..<4 {
                    DetachedThread.run {
                        for _ in 0..<2500 {
                            loop.execute {
                                #expect(loop.isCurrent)
                                if count.add(1, ordering: .relaxed).newValue == 10_000 { done.resume() }
                            }
                        }
                    }
                }
            }
            #expect(count.load(ordering: .relaxed) == 10_000)
        }
    }

    @Test("Ready jobs run in the order in which they became ready")
    func jobOrder() async throws {
        try await withLoop { loop in
            let seen = Shared<[Int]>([])
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<5000 {
                    group.addTask { seen.update { $0.append(number) } }
                }
            }
            #expect(seen.value == Array(0..<5000))
        }
    }

    @Test("A socket is served although jobs keep making each other ready")
    func fairness() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            let isOver = Shared(false)
            let busy = (0..<200).map { _ in
                Task(executorPreference: loop) {
                    while !isOver.value { await Task.yield() }
                }
            }
            peer.send("x")
            #expect(await socket.wait(for: .readable, until: nil) == .ready)
            isOver.value = true
            for task in busy { await task.value }
        }
    }

    @Test("A loop that never started, and one that is stopped twice, end quietly")
    func life() throws {
        let fresh = try EventLoop()
        fresh.stop()
        let loop = try EventLoop()
        try loop.start()
        loop.stop()
        loop.stop()
    }

    @Test("The thread of a loop bears its name")
    func threadName() async throws {
        let name = try await withLoop { _ in
            let file = open("/proc/thread-self/comm", O_RDONLY)
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = read(file, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
        }
        #expect(name == "test-loop")
    }
}

/// A thread that no executor owns, for calls into a loop from outside.
enum DetachedThread {
    static func run(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        precondition(
            pthread_create(
                &thread, nil,
                {
                    Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body()
                    return nil
                }, box.toOpaque()) == 0)
        pthread_detach(thread)
    }
}

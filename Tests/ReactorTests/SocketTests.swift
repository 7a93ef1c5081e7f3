import Glibc
import Testing

@testable import Reactor

@Suite struct SocketTests {
    @Test("A wait ends when there is something to read, and reading takes it")
    func readable() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            #expect(try read(socket) == nil)
            peer.send("one")
            #expect(await socket.wait(for: .readable, until: nil) == .ready)
            #expect(try read(socket) == "one")
            #expect(try read(socket) == nil)
            peer.send("two")
            #expect(await socket.wait(for: .readable, until: nil) == .ready)
            #expect(try read(socket) == "two")
        }
    }

    @Test("What came before a hang-up is read first, then the end")
    func hangUpBehindBytes() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            peer.send("last words")
            peer.close()
            #expect(await socket.wait(for: .readable, until: nil) == .ready)
            #expect(socket.isPeerGone())
            #expect(try read(socket) == "last words")
            #expect(await socket.wait(for: .readable, until: nil) == .ready)
            #expect(try read(socket) == "")
        }
    }

    @Test("A hang-up is told to who asked for it, while a wait for bytes goes on")
    func onHangUp() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            #expect(!socket.isPeerGone())
            await withUnsafeContinuation { heard in
                socket.onHangUp = { heard.resume() }
                peer.close()
            }
            #expect(socket.hasHungUp)
        }
    }

    @Test("A wait ends at its deadline, and a later wait is not ended by an earlier one's deadline")
    func deadlines() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            #expect(await socket.wait(for: .readable, until: loop.now + .milliseconds(5)) == .timedOut)
            // This one ends before its deadline, which the heap goes on to know; the next one must outlive it.
            _ = loop.schedule(at: loop.now) { [box = Unchecked(socket)] in box.value.interrupt() }
            #expect(await socket.wait(for: .readable, until: loop.now + .milliseconds(10)) == .interrupted)
            let deadline = ContinuousClock.now + .milliseconds(40)
            #expect(await socket.wait(for: .readable, until: deadline) == .timedOut)
            #expect(ContinuousClock.now >= deadline)
            // And an earlier deadline than the one that the heap knows counts at once.
            peer.send("y")
            #expect(await socket.wait(for: .readable, until: loop.now + .seconds(1000)) == .ready)
            _ = try read(socket)
            #expect(await socket.wait(for: .readable, until: loop.now + .milliseconds(5)) == .timedOut)
        }
    }

    @Test("A watch without a task ends once: by bytes, by an interruption or at its deadline")
    func watch() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            func end(until deadline: ContinuousClock.Instant, _ cause: () -> Void) async -> Socket.WaitEnd {
                await withUnsafeContinuation { ended in
                    socket.onWatchEnd = { ended.resume(returning: $0) }
                    socket.watch(for: .readable, until: deadline)
                    cause()
                }
            }
            #expect(await end(until: loop.now + .seconds(1000)) { peer.send("x") } == .ready)
            #expect(try read(socket) == "x")
            #expect(await end(until: loop.now + .seconds(1000)) { socket.interrupt() } == .interrupted)
            #expect(await end(until: loop.now + .milliseconds(5)) {} == .timedOut)
            // What comes while nobody watches is found by who reads next; a second end would resume twice, and trap.
            peer.send("y")
            #expect(await socket.wait(for: .readable, until: loop.now + .seconds(1000)) == .ready)
            #expect(try read(socket) == "y")
            #expect(await end(until: loop.now + .seconds(1000)) { socket.abandon() } == .interrupted)
        }
    }

    @Test("An interruption ends the wait that is on, and no other; an abandoned socket waits no more")
    func interruption() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            let end = loop.now + .seconds(20)
            _ = loop.schedule(at: loop.now) { [box = Unchecked(socket)] in box.value.interrupt() }
            #expect(await socket.wait(for: .readable, until: end) == .interrupted)
            // Nobody waits now, so nobody is concerned.
            socket.interrupt()
            peer.send("x")
            #expect(await socket.wait(for: .readable, until: end) == .ready)
            _ = try read(socket)
            _ = loop.schedule(at: loop.now) { [box = Unchecked(socket)] in box.value.abandon() }
            #expect(await socket.wait(for: .readable, until: end) == .interrupted)
            #expect(await socket.wait(for: .readable, until: end) == .interrupted)
        }
    }

    @Test("A full socket takes nothing; it is writable again when the peer has read")
    func writable() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            let chunk = [UInt8](repeating: 7, count: 65_536)
            var written = 0
            while true {
                let count = try chunk.withUnsafeBytes { bytes throws(SystemError) in try socket.write(bytes) }
                if count == 0 { break }
                written += count
            }
            #expect(await socket.wait(for: .writable, until: loop.now + .milliseconds(5)) == .timedOut)
            var sink = [UInt8](repeating: 0, count: written)
            #expect(recv(peer.number, &sink, written, Int32(MSG_WAITALL)) == written)
            #expect(await socket.wait(for: .writable, until: nil) == .ready)
        }
    }

    @Test("Writing to a peer that is gone is an error, not a signal")
    func brokenPipe() async throws {
        try await withLoop { loop in
            let (socket, peer) = try makePair(on: loop)
            defer { socket.close() }
            peer.close()
            let error = #expect(throws: SystemError.self) {
                try [UInt8(1)].withUnsafeBytes { bytes throws(SystemError) in try socket.write(bytes) }
            }
            #expect(error?.code == EPIPE)
        }
    }

    @Test("A late event for a closed socket never reaches the next owner of its slot")
    func generations() async throws {
        try await withLoop { loop in
            var table = SocketTable()
            let (first, _) = try makePair(on: loop)
            let (second, _) = try makePair(on: loop)
            defer {
                first.close()
                second.close()
            }
            let old = table.insert(first)
            #expect(table[old] === first)
            table.remove(old)
            let new = table.insert(second)
            #expect(UInt32(truncatingIfNeeded: new) == UInt32(truncatingIfNeeded: old), "the slot is used again")
            #expect(table[old] == nil)
            #expect(table[new] === second)
            table.remove(old)
            #expect(table[new] === second)
        }
    }

    @Test("A dropped descriptor is closed")
    func descriptorCloses() throws {
        var numbers: [Int32] = [-1, -1]
        #expect(pipe(&numbers) == 0)
        do {
            let writer = Descriptor(adopting: numbers[1])
            #expect(writer.number == numbers[1])
        }
        var byte: UInt8 = 0
        #expect(Glibc.read(numbers[0], &byte, 1) == 0, "the pipe has no writer left")
        Descriptor(adopting: numbers[0]).close()
    }

    /// Nil: nothing yet; empty: the end.
    private func read(_ socket: Socket) throws -> String? {
        let buffer = socket.loop.readBuffer
        return switch try socket.read(into: buffer) {
        case .bytes(let count): String(decoding: buffer[..<count], as: UTF8.self)
        case .nothingYet: nil
        case .end: ""
        }
    }
}

/// Carries what belongs to a loop into a closure that this loop will run.
struct Unchecked<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

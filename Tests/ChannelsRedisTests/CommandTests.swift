import Glibc
import Reactor
import Testing

@testable import ChannelsRedis

@Suite struct CommandTests {
    @Test("A command is an array of bulk strings")
    func encoding() async throws {
        var command = RedisCommand("SET")
        command.append("ключ")
        command.append(Int64(0))
        command.append(Int64.min)
        command.append(Int64(1234567890))
        command.append([] as [UInt8])
        command.append([0, 13, 10])
        let expected =
            "*7\r\n$3\r\nSET\r\n$8\r\nключ\r\n$1\r\n0\r\n$20\r\n-9223372036854775808\r\n$10\r\n1234567890\r\n"
            + "$0\r\n\r\n$3\r\n\0\r\n\r\n"
        #expect(try await written(encoded([command])) == Array(expected.utf8))
        #expect(command.byteCount == expected.utf8.count - "*7\r\n".utf8.count)
    }

    @Test("A large argument stands where it belongs, and is not copied")
    func largeArguments() async throws {
        let large = [UInt8](repeating: 0x61, count: OutgoingBytes.copiedBytesMax + 1)
        let small = [UInt8](repeating: 0x62, count: OutgoingBytes.copiedBytesMax)
        var command = RedisCommand("MSET")
        for argument in [large, small, large] { command.append(argument) }
        let bytes = encoded([command, RedisCommand("PING"), command])
        #expect(bytes.largeCount == 4)
        #expect(bytes.copiedCount == bytes.count - 4 * large.count)
        let one =
            Array("*4\r\n$4\r\nMSET\r\n$4097\r\n".utf8) + large + Array("\r\n$4096\r\n".utf8) + small
            + Array("\r\n$4097\r\n".utf8) + large + Array("\r\n".utf8)
        #expect(try await written(bytes) == one + Array("*1\r\n$4\r\nPING\r\n".utf8) + one)
    }

    @Test("Writing goes on from any byte")
    func offsets() async throws {
        var command = RedisCommand("SET")
        command.append([UInt8](repeating: 0x61, count: 5000))
        command.append(Int64(1))
        let bytes = encoded([command])
        let whole = try await written(bytes)
        for offset in [1, 3, 20, 21, 22, 23, 24, 4999, 5020, 5021, 5022, 5023, bytes.count - 1] {
            #expect(try await written(bytes, from: offset) == Array(whole[offset...]))
        }
    }

    @Test("More pieces than one write takes are written in several")
    func manyPieces() async throws {
        var command = RedisCommand("RPUSH")
        let contents = (0..<100).map { [UInt8](repeating: UInt8($0), count: 4097) }
        for content in contents { command.append(content) }
        let whole = try await written(encoded([command]))
        let expected = contents.flatMap { Array("$4097\r\n".utf8) + $0 + Array("\r\n".utf8) }
        #expect(whole == Array("*101\r\n$5\r\nRPUSH\r\n".utf8) + expected)
    }

    @Test(
        "A subscription has a reply for each channel",
        arguments: [("SUBSCRIBE", 2), ("psubscribe", 2), ("PING", 1), ("UNSUBSCRIBE", 1)])
    func replyCounts(name: String, count: Int) {
        #expect(RedisCommand(words: [name, "a", "b"]).replyCount == count)
    }

    private func encoded(_ commands: [RedisCommand]) -> OutgoingBytes {
        var bytes = OutgoingBytes()
        for command in commands { command.encode(into: &bytes) }
        return bytes
    }

    /// What arrives at the other end of a socket.
    private func written(_ bytes: OutgoingBytes, from offset: Int = 0) async throws -> [UInt8] {
        let loop = try EventLoop(name: "test-loop")
        try loop.start()
        defer { loop.stop() }
        return try await Task(executorPreference: loop) {
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
            let socket = try Socket(adopting: Descriptor(adopting: ends[0]), on: loop)
            let peer = Descriptor(adopting: ends[1])
            defer { socket.close() }
            var arrived: [UInt8] = []
            var written = offset
            while written < bytes.count {
                written += try bytes.write(from: written, to: socket)
                while let count = try? SystemCall.receive(peer.number, into: loop.readBuffer), count > 0 {
                    arrived += loop.readBuffer[..<count]
                }
            }
            return arrived
        }.value
    }
}

extension RedisCommand {
    init(words: [String]) {
        self.init(words[0])
        for word in words.dropFirst() { append(word) }
    }
}

import Testing

@testable import ChannelsRedis

@Suite struct ReplyReaderTests {
    /// A reply as it comes, and what it is.
    private static let replies: [(wire: String, reply: RedisReply)] = [
        ("+OK\r\n", .status("OK")),
        ("+\r\n", .status("")),
        ("-WRONGTYPE Operation\r\n", .error("WRONGTYPE Operation")),
        (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)),
        (":9223372036854775807\r\n", .integer(.max)),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("$0\r\n\r\n", .bytes([])),
        ("$7\r\na\r\nb\0\r\n\r\n", .bytes(Array("a\r\nb\0\r\n".utf8))),
        ("*0\r\n", .array([])),
        ("*2\r\n:1\r\n$1\r\nx\r\n", .array([.integer(1), .bytes([0x78])])),
        (
            "*4\r\n*2\r\n*1\r\n:1\r\n*0\r\n$-1\r\n-ERR x\r\n*-1\r\n",
            .array([.array([.array([.integer(1)]), .array([])]), .null, .error("ERR x"), .null])
        ),
        (
            String(repeating: "*1\r\n", count: 7) + ":1\r\n",
            (0..<7).reduce(.integer(1)) { reply, _ in .array([reply]) }
        ),
    ]

    @Test("Replies are read, in any portions", arguments: [1, 2, 3, 7, 10_000])
    func portions(size: Int) throws {
        let wire = Array(Self.replies.map(\.wire).joined().utf8)
        #expect(try read(wire, portions: size) == Self.replies.map(\.reply))
    }

    @Test("A reply is there with its last byte, not before", arguments: ReplyReaderTests.replies.indices)
    func lastByte(index: Int) throws {
        let (wire, reply) = Self.replies[index]
        let reader = ReplyReader()
        for (place, byte) in wire.utf8.enumerated() {
            try [byte].withUnsafeBytes { try reader.feed($0) }
            #expect(try reader.next() == (place == wire.utf8.count - 1 ? reply : nil))
        }
        #expect(try reader.next() == nil)
    }

    @Test("Large replies come through bit by bit, one after the other")
    func large() throws {
        let contents = [3 << 20, 100, 5 << 20, 0, 2 << 20].map { count in
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        }
        let wire = contents.flatMap { Array("$\($0.count)\r\n".utf8) + $0 + Array("\r\n".utf8) }
        let replies = try read(wire, portions: 65_536)
        #expect(replies.count == contents.count)
        for (reply, content) in zip(replies, contents) { #expect(reply.content == content) }
    }

    @Test("A large array comes through")
    func largeArray() throws {
        let wire = "*100000\r\n" + (0..<100_000).map { ":\($0)\r\n" }.joined()
        #expect(try read(Array(wire.utf8), portions: 4096) == [.array((0..<100_000).map { .integer($0) })])
    }

    @Test(
        "What is no reply is an error",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n", "$-2\r\n", "*-2\r\n", "*99999999999\r\n", "\r\n",
            String(repeating: "*1\r\n", count: 20),
        ])
    func malformed(wire: String) {
        #expect(throws: ReplyReader.ProtocolError.self) { try read(Array(wire.utf8), portions: 10_000) }
        #expect(throws: ReplyReader.ProtocolError.self) { try read(Array(wire.utf8), portions: 1) }
    }

    @Test("An array that only says that it is huge takes no memory for it")
    func announced() throws {
        let reader = ReplyReader()
        try Array("*2147483647\r\n:1\r\n".utf8).withUnsafeBytes { try reader.feed($0) }
        #expect(try reader.next() == nil)
    }

    @Test("Texts, numbers and elements are what the reply is, else nothing")
    func accessors() {
        #expect(RedisReply.bytes(Array("7".utf8)).int == 7)
        #expect(RedisReply.integer(7).int == 7)
        #expect(RedisReply.status("7").int == nil)
        #expect(RedisReply.bytes([0x78]).text == "x")
        #expect(RedisReply.status("OK").text == "OK")
        #expect(RedisReply.error("ERR").text == nil)
        #expect(RedisReply.array([.null]).elements == [.null])
        #expect(RedisReply.null.elements == nil)
        #expect(RedisReply.bytes([1]).content == [1])
        #expect(RedisReply.null.content == nil)
    }

    @Test("What was published is told from replies")
    func published() {
        func push(_ words: String...) -> RedisReply { .array(words.map { .bytes(Array($0.utf8)) }) }
        #expect(push("message", "channel", "x").published?.payload == [0x78])
        #expect(push("pmessage", "c*", "c", "x").published?.channel == [0x63])
        #expect(push("pong", "").published == nil)
        #expect(push("message", "channel").published == nil)
        #expect(push("pmessage", "c*", "x").published == nil)
        #expect(RedisReply.array([.bytes(Array("subscribe".utf8)), .bytes([0x63]), .integer(1)]).published == nil)
    }

    private func read(_ wire: [UInt8], portions size: Int) throws -> [RedisReply] {
        let reader = ReplyReader()
        var replies: [RedisReply] = []
        var start = 0
        while start < wire.count {
            let end = min(wire.count, start + size)
            try wire[start..<end].withUnsafeBytes { try reader.feed($0) }
            while let reply = try reader.next() { replies.append(reply) }
            start = end
        }
        return replies
    }
}

import Channels
import Testing

@Suite("Names of channels and groups")
struct NameTests {
    @Test("Every printable ASCII character is allowed")
    func printable() throws {
        let all = String(decoding: 0x20...0x7E as ClosedRange<UInt8>, as: UTF8.self)
        #expect(try ChannelName(all).rawValue == all)
        #expect(try GroupName(all).rawValue == all)
    }

    @Test("1 to 200 bytes are a name", arguments: [1, 200])
    func lengths(byteCount: Int) throws {
        #expect(try ChannelName(String(repeating: "x", count: byteCount)).rawValue.utf8.count == byteCount)
    }

    @Test(
        "Anything else is refused",
        arguments: ["", String(repeating: "x", count: 201), "a\u{1F}", "\u{7F}", "ä", "a\n", "\0", "✓"])
    func refused(name: String) {
        #expect(throws: ChannelError.self) { try ChannelName(name) }
        #expect(throws: ChannelError.self) { try GroupName(name) }
    }

    @Test(
        "The mailbox is what stands up to the first exclamation mark",
        arguments: [
            ("inbox!ann", "inbox!", "inbox!"), ("inbox!", "inbox!", "inbox!"), ("a!b!c", "a!", "a!"),
            ("!", "!", "!"), ("!x", "!", "!"), ("plain", nil, "plain"),
        ] as [(String, String?, String)])
    func mailbox(name: String, mailbox: String?, queue: String) throws {
        let channel = try ChannelName(name)
        #expect(channel.mailbox?.rawValue == mailbox)
        #expect(channel.queue.rawValue == queue)
        #expect(channel.queue.queue == channel.queue)
        #expect(channel.isMailbox == (name == mailbox))
        #expect(channel.isInMailbox == (mailbox != nil && name != mailbox))
    }

    @Test("Of two ids the shorter is the older, among equally long ones ASCII order decides")
    func identifiers() {
        let numbers: [UInt64] = [1, 9, 15, 16, 0xFFFF, 0xFFFF_FFFF_FFFF, 0x1_0000_0000_0000, .max]
        let epochs: [UInt64] = [0x19A_0000_0000, 0x19A_0000_0001]
        let texts = epochs.flatMap { epoch in
            numbers.filter { $0 < 0x1_0000_0000_0000 }.map { MessageID(epoch: epoch, number: $0).description }
        }
        #expect(Set(texts.map(\.utf8.count)) == [24])
        #expect(texts == texts.sorted())
        let inOneEpoch = numbers.map { MessageID(epoch: 7, number: $0).description }
        #expect(inOneEpoch == inOneEpoch.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) })
        #expect(MessageID(epoch: 0x19A_1234_5678, number: 0xAB).description == "19a12345678-0000000000ab")
    }
}

import Channels
import Testing

@Suite("What the MUSTs make of a group send", .timeLimit(.minutes(1)))
struct DefaultsTests {
    private let store = ScriptedBackend()

    @Test("Each member that is not excluded gets one send, page by page, that says its group and expiry")
    func eachMember() async throws {
        let members = try await join((0..<2500).map { "m\($0)" })
        let options = GroupSendOptions(expiry: .seconds(7), excluded: [members[0], members[1], members[0]])
        let receipt = try await store.sendGroup(Message(content: [1]), to: GroupName("g"), options: options)
        #expect(receipt == GroupSendReceipt(id: nil, members: 2498))
        let sends = store.sends
        #expect(sends.count == 2498 && Set(sends.map(\.channel)) == Set(members.dropFirst(2)))
        #expect(sends.allSatisfy { $0.options.group?.rawValue == "g" && $0.options.expiry == .seconds(7) })
    }

    @Test("A full member counts, gets nothing, and holds up nobody")
    func full() async throws {
        try await join(["a", "b", "c"])
        try store.fill("b")
        #expect(try await send().members == 3)
        #expect(store.sends.map(\.channel.rawValue) == ["a", "c"])
    }

    @Test("Where one send fails, the other members get theirs, and the sender hears that nobody knows")
    func oneFails() async throws {
        try await join(["a", "b", "c"])
        try store.refuseSends(to: "a", ChannelError(.layerFull, "full"))
        let unknown = await #expect(throws: ChannelError.self) { try await send() }
        #expect(unknown?.code == .outcomeUnknown && (unknown?.underlying as? ChannelError)?.code == .layerFull)
        #expect(store.sends.map(\.channel.rawValue) == ["b", "c"])
    }

    @Test("Where all sends fail, the store's error is the answer; before others one that leaves open what was stored")
    func allFail() async throws {
        try await join(["a", "b", "c"])
        for name in ["a", "b", "c"] { try store.refuseSends(to: name, ChannelError(.backendUnavailable, "down")) }
        let nothing = await #expect(throws: ChannelError.self) { try await send() }
        #expect(nothing?.code == .backendUnavailable)
        try store.refuseSends(to: "b", ChannelError(.outcomeUnknown, "gone"))
        let unknown = await #expect(throws: ChannelError.self) { try await send() }
        #expect(unknown?.code == .outcomeUnknown)
    }

    @Test("After ten failures in a row, not after nine, the rest is not tried", arguments: [9, 10])
    func givesUp(failures: Int) async throws {
        // In order of their names.
        try await join((10..<30).map { "m\($0)" })
        for number in 0..<failures { try store.refuseSends(to: "m\(10 + number)", ChannelError(.layerFull, "full")) }
        await #expect(throws: ChannelError.self) { try await send() }
        #expect(store.sends.count == (failures < 10 ? 20 - failures : 0))
    }

    @Test("A group is removed member by member")
    func removeGroup() async throws {
        try await join((0..<1500).map { "m\($0)" })
        try await store.removeGroup(GroupName("g"))
        #expect(try await store.groupMembers(GroupName("g"), options: GroupMembersOptions()).channels.isEmpty)
    }

    @discardableResult
    private func join(_ names: [String]) async throws -> [ChannelName] {
        let channels = try names.map { try ChannelName($0) }
        for channel in channels { try await store.groupAdd(channel, to: GroupName("g"), options: GroupAddOptions()) }
        return channels
    }

    private func send() async throws -> GroupSendReceipt {
        try await store.sendGroup(Message(content: [1]), to: GroupName("g"), options: GroupSendOptions())
    }
}

import Channels
import ChannelsTesting
import FolderBackend
import Foundation
import Testing

@Suite("The folder")
struct RestartTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
    private let clock = ManualClock()
    private let news = try! ChannelName("news")
    private let room = try! GroupName("room")

    private func withBackend<Value>(_ body: (FolderBackend) async throws -> Value) async throws -> Value {
        let backend = try FolderBackend(in: path, settings: LayerSettings(), clock: clock)
        let value = try await body(backend)
        await backend.shutdown()
        return value
    }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: path) }

    @Test(
        "What was sent is there after a restart, with its id and its type, before what is sent then; members are members"
    )
    func restart() async throws {
        defer { removeFolder() }
        let bytes = Message(content: [0, 10, 255], contentType: "image/png", isJSON: false)
        let first = try await withBackend { backend in
            try await backend.groupAdd(news, to: room, options: GroupAddOptions())
            return try await backend.send(bytes, to: news, options: SendOptions())
        }
        try await withBackend { backend in
            let second = try await backend.send(Message(content: [49]), to: news, options: SendOptions())
            #expect(second.id > first.id)
            #expect(second.pending == 2)
            let deliveries = try await backend.receiveMany([news], options: ReceiveOptions(messagesMax: 9))
            #expect(deliveries.map(\.id) == [first.id, second.id])
            #expect(deliveries.map(\.message) == [bytes, Message(content: [49])])
            let members = try await backend.groupMembers(room, options: GroupMembersOptions())
            #expect(members.channels == [news])
        }
    }

    @Test("What was taken before a restart does not come again")
    func once() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            _ = try await backend.send(Message(content: [49]), to: news, options: SendOptions())
            let taken = try await backend.receiveMany([news], options: ReceiveOptions())
            #expect(taken.count == 1)
        }
        try await withBackend { backend in
            let again = try await backend.receiveMany([news], options: ReceiveOptions())
            #expect(again.isEmpty)
        }
    }

    @Test("It is one backend's at a time")
    func inUse() async throws {
        defer { removeFolder() }
        try await withBackend { _ in
            _ = #expect(throws: RegistryError.self) {
                try FolderBackend(in: path, settings: LayerSettings(), clock: clock)
            }
        }
    }

    @Test("A file that is damaged, or none of ours, holds nobody up")
    func damaged() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            for text in ["1", "2"] {
                _ = try await backend.send(Message(content: Array(text.utf8)), to: news, options: SendOptions())
            }
            let queue = path + "/queues/=news"
            let names = try FileManager.default.contentsOfDirectory(atPath: queue).sorted()
            try #require(names.count == 2)
            try "no header".write(toFile: queue + "/" + names[0], atomically: true, encoding: .utf8)
            try "".write(toFile: queue + "/README", atomically: true, encoding: .utf8)
            let deliveries = try await backend.receiveMany([news], options: ReceiveOptions(messagesMax: 9))
            #expect(deliveries.map(\.message.content) == [Array("2".utf8)])
        }
    }

    @Test("What has expired leaves no file behind, although nobody asks for it")
    func sweep() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            let soon = SendOptions(expiry: .seconds(1))
            _ = try await backend.send(Message(content: [49]), to: news, options: soon)
            try await backend.groupAdd(news, to: room, options: GroupAddOptions(expiry: .seconds(1)))
            clock.advance(by: .seconds(61))
            _ = try await backend.send(Message(content: [49]), to: ChannelName("other"), options: SendOptions())
            let left = try FileManager.default.contentsOfDirectory(atPath: path + "/queues")
            #expect(left == ["=other"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/groups").isEmpty)
        }
    }

    @Test("A message that cannot be stored is refused as not stored, and others are not")
    func unavailable() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            // A file where a folder is wanted stands in for a disk that fails: this also holds for root, unlike permissions.
            try FileManager.default.createDirectory(atPath: path + "/queues", withIntermediateDirectories: true)
            try "".write(toFile: path + "/queues/=news", atomically: true, encoding: .utf8)
            do {
                _ = try await backend.send(Message(content: [49]), to: news, options: SendOptions())
                Issue.record("it was accepted")
            } catch let error as ChannelError {
                #expect(error.code == .backendUnavailable)
            }
            _ = try await backend.send(Message(content: [49]), to: ChannelName("other"), options: SendOptions())
            try FileManager.default.removeItem(atPath: path + "/queues/=news")
            let receipt = try await backend.send(Message(content: [49]), to: news, options: SendOptions())
            #expect(receipt.pending == 1)
        }
    }

    @Test("Ids never come again, although the count of starts be lost or old", arguments: [nil, "1"])
    func lostCount(count: String?) async throws {
        defer { removeFolder() }
        try await withBackend { _ in }
        let first = try await withBackend { backend in
            try await backend.send(Message(content: [49]), to: news, options: SendOptions())
        }
        try FileManager.default.removeItem(atPath: path + "/starts")
        if let count { try count.write(toFile: path + "/starts", atomically: true, encoding: .utf8) }
        try await withBackend { backend in
            let second = try await backend.send(Message(content: [49]), to: news, options: SendOptions())
            #expect(second.id > first.id)
        }
    }

    @Test("A call that comes after the shutdown is refused: the folder may be another's")
    func closed() async throws {
        defer { removeFolder() }
        let backend = try await withBackend { $0 }
        let refusal = await #expect(throws: ChannelError.self) {
            try await backend.send(Message(content: [49]), to: news, options: SendOptions())
        }
        #expect(refusal?.code == .backendUnavailable)
        try await withBackend { next in
            let receipt = try await next.send(Message(content: [49]), to: news, options: SendOptions())
            #expect(receipt.pending == 1)
        }
    }

    @Test("A message without time to wait does not count as waiting")
    func withoutTime() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            let none = SendOptions(expiry: .zero)
            let receipt = try await backend.send(Message(content: [49]), to: news, options: none)
            #expect(receipt.pending == 0)
        }
    }

    @Test("A membership that cannot be ended is not said to have ended")
    func staysMember() async throws {
        defer { removeFolder() }
        try await withBackend { backend in
            // A folder in its place stands in for a file that cannot be removed.
            let entry = path + "/groups/=room/1-1-9000000000000000000-=news"
            try FileManager.default.createDirectory(atPath: entry, withIntermediateDirectories: true)
            let refusal = await #expect(throws: ChannelError.self) { try await backend.groupDiscard(news, from: room) }
            #expect(refusal?.code == .backendUnavailable)
            #expect(try await backend.groupMembers(room, options: GroupMembersOptions()).channels == [news])
        }
    }
}

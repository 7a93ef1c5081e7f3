import Channels
import Reactor
import Testing

@testable import ChannelsRedis

extension RedisBackend {
    @discardableResult
    func send(_ text: String, to channel: String) async throws -> SendReceipt {
        try await send(Message(content: Array(text.utf8)), to: ChannelName(channel), options: SendOptions())
    }

    /// Again and again until Redis takes it.
    @discardableResult
    func sendWhenThere(_ text: String, to channel: String) async throws -> SendReceipt {
        while true {
            do {
                return try await send(text, to: channel)
            } catch let error as ChannelError {
                #expect([.backendUnavailable, .outcomeUnknown].contains(error.code))
            }
        }
    }

    /// Runs a command of Redis.
    @discardableResult
    func command(_ words: String...) async throws -> RedisReply {
        try await withCheckedThrowingContinuation { continuation in
            core.loop.execute { [core] in
                var command = RedisCommand(words[0])
                for word in words.dropFirst() { command.append(word) }
                core.shards[0].link.run(command, until: .now.advanced(by: .seconds(10))) {
                    continuation.resume(with: $0)
                }
            }
        }
    }

    /// How many calls of functions Redis has had.
    func callCount() async throws -> Int {
        let text = try await command("INFO", "commandstats").text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_fcall:calls=") }
        return line.flatMap { Int($0.dropFirst(20).prefix(while: \.isNumber)) } ?? 0
    }

    func receive(_ channel: String) async throws -> [Delivery] {
        try await receiveMany([ChannelName(channel)], options: ReceiveOptions())
    }

    func join(_ channel: String, _ group: String) async throws {
        try await groupAdd(ChannelName(channel), to: GroupName(group), options: GroupAddOptions())
    }
}

extension Delivery {
    var text: String { String(decoding: message.content, as: UTF8.self) }
}

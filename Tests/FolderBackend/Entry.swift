import Channels
import Foundation

/// A file in its place, and what its name tells: `3-42-1764000000000000000-=news`.
struct Entry {
    /// Relative to the backend's folder.
    let folder: String
    /// Start 3 of the server, number 42.
    let id: MessageID
    /// In nanoseconds of the ``Timeline``.
    let deadline: Int
    let channel: ChannelName

    static let queues = "queues"
    static let groups = "groups"
    static func folder(of queue: ChannelName) -> String { "\(queues)/\(encode(queue.rawValue))" }
    static func folder(of group: GroupName) -> String { "\(groups)/\(encode(group.rawValue))" }

    var path: String { "\(folder)/\(id.epoch)-\(id.number)-\(deadline)-\(Self.encode(channel.rawValue))" }

    /// A file's name may hold what a channel's may, but for the slash. (Percent signs would make 600 bytes of 200, and a file's
    /// name has 255 at most.) With `=` before them, `.` and `..` are names like any other.
    private static func encode(_ name: String) -> String { "=" + name.replacing("/", with: "\u{7F}") }
}

extension Entry {
    /// Nil for a file that is none of ours.
    init?(folder: String, file: String) {
        let parts = file.split(separator: "-", maxSplits: 3)
        guard parts.count == 4, let epoch = UInt64(parts[0]), let number = UInt64(parts[1]),
            let deadline = Int(parts[2]),
            let channel = try? ChannelName(String(parts[3].dropFirst()).replacing("\u{7F}", with: "/"))
        else { return nil }
        self.init(
            folder: folder, id: MessageID(epoch: epoch, number: number), deadline: deadline, channel: channel)
    }
}

/// What stands in a message's file: a line of JSON, `{"isJSON":true}`, and the content as it was sent.
struct StoredMessage {
    let message: Message
    let group: GroupName?

    private struct Header: Codable {
        var isJSON: Bool
        var contentType: String?
        var group: String?
    }

    var bytes: [UInt8] {
        get throws {
            let header = Header(isJSON: message.isJSON, contentType: message.contentType, group: group?.rawValue)
            return try Array(JSONEncoder().encode(header)) + [UInt8(ascii: "\n")] + message.content
        }
    }
}

extension StoredMessage {
    init?(bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
            let header = try? JSONDecoder().decode(Header.self, from: Data(bytes[..<end]))
        else { return nil }
        let content = Array(bytes[(end + 1)...])
        self.init(
            message: Message(content: content, contentType: header.contentType, isJSON: header.isJSON),
            group: header.group.flatMap { try? GroupName($0) })
    }
}

/// The time of deadlines: nanoseconds since 1970, so that one means the same after a restart.
///
/// Only where it begins comes from the wall clock; then it passes as the layer's clock does. So a wall clock that is set moves
/// no deadline while the server runs, only those that the next start finds.
struct Timeline: Sendable {
    private let clock: any ChannelClock
    private let start: ContinuousClock.Instant
    private let startNanoseconds = Int(Date().timeIntervalSince1970 * 1e9)

    init(_ clock: any ChannelClock) {
        self.clock = clock
        start = clock.now
    }

    func now(plus duration: Duration = .zero) -> Int {
        let (seconds, attoseconds) = (start.duration(to: clock.now) + duration).components
        return startNanoseconds + Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }
}

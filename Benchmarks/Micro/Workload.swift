import Channels
import ChannelsMemory

/// What clients send, and the backend that they send it to: as the other benchmarks have it.
enum Workload {
    /// 54 bytes of JSON.
    static let content = [UInt8](#"{"text":"hello, this is a message of fifty-four bytes"}"#.utf8)

    /// Requests as curl has them.
    static let send = request(
        "POST /channels/x", ["Content-Type: application/json", "Content-Length: \(content.count)"], content)
    static let receive = request("GET /receive?channels=x")

    static let channel = try! ChannelName("x")
    static let group = try! GroupName("g")

    static func names(_ count: Int = Operation.repetitions) -> [ChannelName] {
        (0..<count).map { try! ChannelName("user.\($0)") }
    }

    /// One for each repetition, with a content of its own, as each request brings one.
    static func messages() -> [Message] {
        (0..<Operation.repetitions).map { _ in Message(content: content.map { $0 }) }
    }

    static let receiveOptions = ReceiveOptions(contentBytesMax: 16 << 20)

    /// The server's, but for a capacity that refuses nothing.
    static var settings: LayerSettings {
        var settings = LayerSettings()
        settings.capacity = 100_000_000
        return settings
    }

    /// Called, as by the server, without knowing which one it is.
    static func makeBackend() -> any ImmediateChannelBackend {
        MemoryBackend(settings: settings, clock: StillClock(), epoch: 1_750_000_000_000)
    }

    private static func request(_ line: String, _ fields: [String] = [], _ content: [UInt8] = []) -> [UInt8] {
        let lines = ["\(line) HTTP/1.1", "Host: localhost:8080", "User-Agent: curl/8.5.0", "Accept: */*"] + fields
        return (lines + ["", ""]).joined(separator: "\r\n").utf8 + content
    }
}
